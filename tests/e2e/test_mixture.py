"""A run with a mixture of the network, the n-gram model and its cache, and a gate on n-grams."""

from pathlib import Path

import pytest

from benchmarks.held_out import HeldOut, measure
from modules import versions
from pipeline import local
from pipeline.config import PRESETS
from pipeline.metadata import summarise
from pipeline.summary import Summary

pytestmark = pytest.mark.slow

PARTS = ("perplexity", "ngram_perplexity")


OVERRIDES = {
    **{"mixture": True, "validation_ratio": 0.2, "ngram_order": 6},
    **{"num_steps": 8, "batch_size": 8, "num_hiddens": 16, "embedding_size": 16, "num_epochs": 3},
}


@pytest.fixture(scope="module")
def mixed(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs") / "bundled"
    return PRESETS["lyrics"].override(OVERRIDES | {"data": config.data, "root": str(root)})


@pytest.fixture(scope="module")
def held_out(mixed) -> HeldOut:
    """What the benchmark of held-out text measures, by such a run."""
    root = str(Path(mixed.root).parent)
    return measure("bundled", root, OVERRIDES | {"data": mixed.data}, lambda *_: None)


@pytest.fixture(scope="module")
def summary(mixed, held_out) -> Summary:
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


def test_the_benchmark_scores_every_model_on_the_same_characters(held_out, summary):
    evaluated = summary.splits["eval"]
    assert held_out.characters == evaluated["characters"]
    ngram = evaluated["ngram_perplexity"]
    assert held_out.perplexities["6-gram"] == pytest.approx(ngram, rel=1e-4)
    assert held_out.perplexities["2-gram"] < held_out.perplexities["unigram"]
    assert held_out.samples["分开"].startswith("分开")
    assert held_out.mixture_weights == summary.mixture_weights


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
