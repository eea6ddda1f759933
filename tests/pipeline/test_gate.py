"""What the thresholds let through, to the last digit; `test_evaluator` runs TFMA with them."""

import math

import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tfx.utils import proto_utils

from modules.metrics import Perplexity
from pipeline.config import GateOptions
from pipeline.gate import eval_config

HELD_OUT = (("split", "eval"),)


def config(has_baseline=False, **options):
    """As the Evaluator completes it."""
    return tfma.utils.update_eval_config_with_defaults(
        eval_config(GateOptions(**options)),
        has_baseline=has_baseline,
        rubber_stamp=True,
    )


def passes(
    perplexity, unigram=8.0, baseline=None, slice_key=HELD_OUT, ngram=math.nan, **options
) -> bool:
    """Whether a model of these perplexities passes."""
    name = "" if baseline is None else "candidate"
    figures = {
        "perplexity": perplexity,
        "perplexity_to_unigram": perplexity / unigram,
        "perplexity_to_ngram": perplexity / ngram,
    }
    metrics = {
        tfma.metrics.MetricKey(metric, name, example_weighted=None): value
        for metric, value in figures.items()
    }
    if baseline is not None:
        key = tfma.metrics.MetricKey("perplexity", name, example_weighted=None)
        metrics[key.make_baseline_key("baseline")] = baseline
        metrics[key.make_diff_key()] = perplexity - baseline
    completed = config(baseline is not None, **options)
    return validate_metrics((slice_key, metrics), completed).validation_ok


def after(value):
    return math.nextafter(value, math.inf)


def before(value):
    return math.nextafter(value, -math.inf)


@pytest.mark.parametrize("perplexity", [1.0, after(1), 4.0, before(5), 5.0])
def test_within_the_bounds(perplexity):
    assert passes(perplexity, max_perplexity=5)


@pytest.mark.parametrize(
    "perplexity", [math.nan, math.inf, -math.inf, -1.0, 0.0, before(1), after(5), 1e300]
)
def test_beyond_the_bounds(perplexity):
    assert not passes(perplexity, max_perplexity=5)


@pytest.mark.parametrize("bound", [1.0, 1e12])
def test_the_bound_is_as_far_as_its_options_go(bound):
    assert passes(bound, unigram=2 * bound, max_perplexity=bound)
    assert not passes(after(bound), unigram=2 * bound, max_perplexity=bound)
    assert not passes(math.inf, unigram=math.inf, max_perplexity=bound)


@pytest.mark.parametrize("unigram", [4.0, 3.999, 4.0 * (1 + 1e-12), 1.0, math.nan])
def test_no_better_than_the_unigram_model(unigram):
    assert not passes(4.0, unigram)


@pytest.mark.parametrize("unigram", [4.001, 1e6, math.inf])
def test_better_than_the_unigram_model(unigram):
    assert passes(4.0, unigram)


@pytest.mark.parametrize("ngram", [4.0, 3.999, 4.0 * (1 + 1e-12), math.nan])
def test_no_better_than_the_n_gram_model(ngram):
    assert not passes(4.0, ngram=ngram, must_beat="ngram")
    assert passes(4.0, ngram=ngram)


@pytest.mark.parametrize("ngram", [4.001, math.inf])
def test_better_than_the_n_gram_model(ngram):
    assert passes(4.0, ngram=ngram, must_beat="ngram")
    assert not passes(4.0, unigram=3.9, ngram=ngram, must_beat="ngram")


@pytest.mark.parametrize("baseline", [4.0, after(4), 1e6, math.inf])
def test_not_worse_than_the_baseline(baseline):
    assert passes(4.0, baseline=baseline)


@pytest.mark.parametrize("baseline", [before(4), 1.0, 0.5, math.nan])
def test_worse_than_the_baseline(baseline):
    assert not passes(4.0, baseline=baseline)


@pytest.mark.parametrize("perplexity", [5.1, 0.5, math.nan, math.inf])
def test_a_bad_baseline_excuses_nothing(perplexity):
    for baseline in (5.2, math.inf, math.nan):
        assert not passes(perplexity, baseline=baseline, max_perplexity=5)


def test_only_its_split_is_judged():
    others = [(("split", "train"),), (("document", "歌.zip/1"), ("split", "eval")), ()]
    for slice_key in others:
        assert passes(math.nan, slice_key=slice_key)
    assert passes(math.nan, gate_split="train")
    assert not passes(math.nan, slice_key=others[0], gate_split="train")


@pytest.mark.parametrize("missing", ["perplexity", "perplexity_to_unigram"])
def test_a_figure_that_is_missing_is_a_failure(missing):
    figures = {"perplexity": 4.0, "perplexity_to_unigram": 0.5}
    metrics = {
        tfma.metrics.MetricKey(name, example_weighted=None): value
        for name, value in figures.items()
        if name != missing
    }
    result = validate_metrics((HELD_OUT, metrics), config())
    ((failure,),) = [validation.failures for validation in result.metric_validations_per_slice]
    assert failure.metric_key.name == missing


def test_every_threshold_is_on_a_metric_that_is_computed():
    computed = {key.name for c in Perplexity().computations() for key in c.keys}
    for number, must_beat in ((2, "unigram"), (3, "ngram")):
        (spec,) = config(must_beat=must_beat).metrics_specs
        assert spec.per_slice_thresholds.keys() <= computed
        assert len(spec.per_slice_thresholds) == number


def test_splits_and_their_documents_are_measured():
    keys = [list(spec.feature_keys) for spec in config().slicing_specs]
    assert keys == [["split"], ["split", "document"]]


@pytest.mark.parametrize(("has_baseline", "models"), [(False, 1), (True, 2)])
def test_tfma_takes_it(has_baseline, models):
    completed = config(has_baseline)
    tfma.utils.verify_eval_config(completed)
    assert [spec.signature_name for spec in completed.model_specs] == ["evaluate"] * models


def test_the_cache_sees_options():
    """TFX keys the cache by the JSON of the configuration, which must not change by itself."""
    configs = [
        {},
        {"gate_split": "train"},
        {"max_perplexity": 999},
        {"must_beat": "ngram"},
    ]
    texts = [proto_utils.proto_to_json(config(**changes)) for changes in configs]
    assert len(set(texts)) == len(configs)
    assert proto_utils.proto_to_json(config()) == texts[0]
