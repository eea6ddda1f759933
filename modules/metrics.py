"""The Evaluator's metric: perplexity, beside those of the baselines.

TFMA loads it by name (`MetricConfig(module="modules.metrics", class_name="Perplexity")`).
"""

from collections.abc import Iterable

import apache_beam as beam
import tensorflow_model_analysis as tfma

from modules.evaluation.perplexity import Tally


class Perplexity(tfma.metrics.Metric):
    """Adds up the `evaluate` signature's outputs, for each slice, to perplexities.

    Args:
        source_digest: of the code that evaluates; it is here so that TFX, which keys its
            cache by the configuration, evaluates again after an edit.
    """

    def __init__(self, source_digest: str = "") -> None:
        super().__init__(_computations, source_digest=source_digest)


def _computations(
    model_names: list[str] | None = None, source_digest: str = ""
) -> list[tfma.metrics.MetricComputation]:
    del source_digest
    computations = []
    for model_name in model_names or [""]:
        combiner = _TallyCombiner(model_name)
        keys = list(combiner.extract_output(Tally()))
        computations.append(tfma.metrics.MetricComputation(keys, None, combiner))
    return computations


class _TallyCombiner(beam.CombineFn):
    """Windows to a Tally to metrics."""

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name

    def create_accumulator(self) -> Tally:
        return Tally()

    def add_input(self, tally: Tally, element: tfma.metrics.StandardMetricInputs) -> Tally:
        outputs = element.get_predictions(self._model_name)
        tally.add({name: value.item() for name, value in outputs.items()})
        return tally

    def merge_accumulators(self, tallies: Iterable[Tally]) -> Tally:
        result = Tally()
        for tally in tallies:
            result.merge(tally)
        return result

    def extract_output(self, tally: Tally) -> dict[tfma.metrics.MetricKey, float]:
        # `example_weighted=None` is how TFMA keys the thresholds of a metric known by name alone.
        return {
            tfma.metrics.MetricKey(name, self._model_name, example_weighted=None): value
            for name, value in tally.figures.items()
        }
