"""The gate: what a model must show to be pushed."""

import tensorflow_model_analysis as tfma

from modules import contract, features, metrics
from modules.evaluation.figures import NGRAM_RATIO, PERPLEXITY, UNIGRAM_RATIO
from pipeline.config import GateOptions


def eval_config(options: GateOptions) -> tfma.EvalConfig:
    """The Evaluator's configuration.

    A model passes if, on the characters of the gate's split, all of this holds; NaN, infinity
    and a missing figure fail every comparison.

        1 <= perplexity <= max_perplexity    0 is the perplexity of nothing, not of a good model
        perplexity < unigram perplexity      of the same corpus, add-one
        perplexity < n-gram perplexity       without its cache; where must_beat asks for it
        perplexity <= the baseline's         where a model was blessed before
    """
    slice_spec = tfma.SlicingSpec(feature_values={features.SPLIT: options.gate_split})

    def on_slice(threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThresholds:
        return tfma.PerSliceMetricThresholds(
            thresholds=[
                tfma.PerSliceMetricThreshold(slicing_specs=[slice_spec], threshold=threshold)
            ]
        )

    bounds = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(
            lower_bound={"value": 1.0}, upper_bound={"value": options.max_perplexity}
        ),
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.LOWER_IS_BETTER, absolute={"value": 0.0}
        ),
    )
    below_1 = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(
            lower_bound={"value": 0.0}, upper_bound={"value": 1.0 - 1e-9}
        )
    )
    thresholds = {PERPLEXITY: on_slice(bounds), UNIGRAM_RATIO: on_slice(below_1)}
    if options.must_beat == "ngram":
        thresholds[NGRAM_RATIO] = on_slice(below_1)
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name=contract.EVALUATE, model_type=tfma.TF_GENERIC)],
        slicing_specs=[
            tfma.SlicingSpec(feature_keys=[features.SPLIT]),
            tfma.SlicingSpec(feature_keys=[features.SPLIT, features.DOCUMENT]),
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(
                        module=metrics.__name__,
                        class_name=metrics.Perplexity.__name__,
                    )
                ],
                per_slice_thresholds=thresholds,
            )
        ],
        options=tfma.Options(include_default_metrics={"value": False}),
    )
