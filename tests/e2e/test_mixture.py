"""A run with a mixture of the network, the n-gram model and its cache, and a gate on n-grams."""

import pytest

from modules import versions
from pipeline import local
from pipeline.metadata import summarise
from pipeline.summary import Summary

pytestmark = pytest.mark.slow

PARTS = ("perplexity", "ngram_perplexity")


@pytest.fixture(scope="module")
def mixed(config):
    return config.override({"mixture": True, "validation_ratio": 0.2})


@pytest.fixture(scope="module")
def summary(mixed) -> Summary:
    local.run(mixed)
    return summarise(mixed)


def test_the_mixture_is_reported_where_n_grams_are_scored(summary):
    assert [*summary.splits] == ["train", "validation", "eval"]
    train, validation, held_out = summary.splits.values()
    for figures in (validation, held_out):
        assert 1 <= figures["mixture_perplexity"] < figures["unigram_perplexity"]
        assert 1 <= figures["ngram_cache_perplexity"] < figures["unigram_perplexity"]
        ratio = figures["perplexity"] / figures["ngram_perplexity"]
        assert figures["perplexity_to_ngram"] == pytest.approx(ratio)
    assert not [name for name in train if "ngram" in name or "mixture" in name]


def test_it_is_no_worse_than_its_parts_on_what_it_was_fitted_to(summary):
    weights = summary.mixture_weights
    assert weights.keys() == {"network", "n-gram", "cache"}
    assert sum(weights.values()) == pytest.approx(1)
    validation = summary.splits["validation"]
    assert validation["mixture_perplexity"] <= min(validation[part] for part in PARTS) * 1.001


def test_a_network_that_does_not_beat_the_n_gram_model_is_not_pushed(mixed, summary):
    """On these few verses it does not; the gate would let it pass."""
    assert summary.ngram_wins
    assert summary.blessed
    strict = mixed.override({"must_beat": "ngram"})
    local.run(strict)
    refused = summarise(strict)
    assert [stage.name for stage in refused.stages if not stage.cached] == ["Evaluator", "Pusher"]
    assert not refused.blessed
    assert refused.reason.startswith("split 'eval': perplexity is ")
    assert refused.reason.endswith(" times the n-gram model's, not below it")
    assert refused.pushed_to is None
    assert len(versions.directories(mixed.serving_dir)) == 1
