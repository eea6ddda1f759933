import math

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma

from modules.evaluation.figures import optional
from modules.metrics import Perplexity

LOG_2, LOG_4, LOG_8 = (math.log(n) for n in (2, 4, 8))
# Perplexity 4 against 8 and 2; then four unknown characters of two kinds, which cost log 2 each.
# The n-gram model has 8, with its cache 2, and the mixture 4.
OTHERS = (LOG_8, LOG_2, LOG_4)
ROWS = [(2 * LOG_4, 2 * LOG_8, 2 * LOG_2, 2, b"", *(2 * nats for nats in OTHERS))] * 2
UNKNOWN = (
    *(4 * LOG_4, 4 * LOG_8, 4 * LOG_2, 4, "春春夏夏".encode()),
    *(4 * nats for nats in OTHERS),
)


def outputs(
    nats, unigram_nats, uniform_nats, characters, unknown, *others
) -> dict[str, np.ndarray]:
    """One window's outputs of the `evaluate` signature; those of older models had no others."""
    names = ("ngram_nats", "ngram_cache_nats", "mixture_nats")
    return {
        **{name: np.array([value], np.float32) for name, value in zip(names, others, strict=False)},
        "nats": np.array([nats], np.float32),
        "unigram_nats": np.array([unigram_nats], np.float32),
        "uniform_nats": np.array([uniform_nats], np.float32),
        "characters": np.array([characters], np.int64),
        "unknown_characters": np.array([unknown], object),
    }


def computed(computation, predictions) -> dict[tfma.metrics.MetricKey, float]:
    """Runs a combiner in a Beam pipeline."""
    inputs = [tfma.metrics.StandardMetricInputs(predictions=p) for p in predictions]
    (result,) = inputs | beam.CombineGlobally(computation.combiner)
    return result


def values(computation, predictions) -> dict[str, float]:
    return {key.name: value for key, value in computed(computation, predictions).items()}


def computations(**arguments):
    return Perplexity().computations(eval_config=tfma.EvalConfig(), **arguments)


def test_perplexities_by_hand():
    (computation,) = computations(model_names=[""])
    assert values(computation, [outputs(*row) for row in ROWS]) == pytest.approx(
        {
            "perplexity": 4,
            "unigram_perplexity": 8,
            "uniform_perplexity": 2,
            "perplexity_to_unigram": 0.5,
            "unknown_share": 0,
            "characters": 4,
            "ngram_perplexity": 8,
            "ngram_cache_perplexity": 2,
            "mixture_perplexity": 4,
            "perplexity_to_ngram": 0.5,
        }
    )


def test_unknown_characters_cost_as_much_as_they_are_many():
    (computation,) = computations(model_names=[""])
    assert values(computation, [outputs(*row) for row in (*ROWS, UNKNOWN)]) == pytest.approx(
        {
            "perplexity": 4 * 2**0.5,
            "unigram_perplexity": 8 * 2**0.5,
            "uniform_perplexity": 2 * 2**0.5,
            "perplexity_to_unigram": 0.5,
            "unknown_share": 0.5,
            "characters": 8,
            "ngram_perplexity": 8 * 2**0.5,
            "ngram_cache_perplexity": 2 * 2**0.5,
            "mixture_perplexity": 4 * 2**0.5,
            "perplexity_to_ngram": 0.5,
        }
    )


def test_bundles_are_merged():
    (computation,) = computations(model_names=[""])
    combiner, windows = computation.combiner, [outputs(*row) for row in (*ROWS, UNKNOWN)]
    tallies = []
    for window in windows:
        inputs = tfma.metrics.StandardMetricInputs(predictions=window)
        tallies.append(combiner.add_input(combiner.create_accumulator(), inputs))
    merged = combiner.extract_output(combiner.merge_accumulators(iter(tallies)))
    assert merged == computed(computation, windows)


def test_nothing_scored_is_no_good_perplexity():
    (computation,) = computations(model_names=[""])
    result = values(computation, [])
    assert result["perplexity"] == math.inf
    assert result["characters"] == 0
    assert not result["perplexity_to_unigram"] < 1


def test_keys_are_announced_as_they_are_computed():
    (computation,) = computations(model_names=[""])
    assert set(computation.keys) == set(computed(computation, [outputs(*ROWS[0])]))


def test_each_model_has_its_own_outputs():
    both = computations(model_names=["candidate", "baseline"])
    predictions = [
        {
            "candidate": outputs(*ROWS[0]),
            "baseline": outputs(2 * LOG_2, *ROWS[0][1:]),
        }
    ] * 3
    found = {}
    for computation in both:
        found |= computed(computation, predictions)
    perplexities = {
        key.model_name: value for key, value in found.items() if key.name == "perplexity"
    }
    assert perplexities == pytest.approx({"candidate": 4, "baseline": 2})
    assert len(found) == 20


def test_a_baseline_from_before_there_were_n_grams():
    """Every figure is there, or TFMA would take it for a failure of the candidate's."""
    candidate, _ = computations(model_names=["candidate", "baseline"])
    result = values(candidate, [{"candidate": outputs(*ROWS[0][:5])}])
    assert result["perplexity"] == pytest.approx(4)
    assert {name for name, value in result.items() if math.isnan(value)} == optional()


def test_without_names_there_is_one_model():
    (computation,) = computations()
    assert values(computation, [outputs(*ROWS[0])])["perplexity"] == pytest.approx(4)


def test_the_evaluator_finds_it_by_name_and_digest():
    config = tfma.MetricConfig(
        class_name="Perplexity", module="modules.metrics", config='{"source_digest": "abc"}'
    )
    specs = [tfma.MetricsSpec(metrics=[config])]
    found = tfma.metrics.metric_specs.to_computations(specs, tfma.EvalConfig())
    names = {key.name for computation in found for key in computation.keys}
    assert {"perplexity", "unigram_perplexity", "perplexity_to_unigram"} <= names
    assert Perplexity(source_digest="abc").get_config()["source_digest"] == "abc"
