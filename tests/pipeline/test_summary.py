from dataclasses import replace

import pytest

from modules.corpus.account import Account
from pipeline.summary import Stage, Summary

pytestmark = pytest.mark.fast

SUMMARY = Summary(
    stages=[Stage("Transform", 1.5, False), Stage("Trainer", 0, True)],
    corpus=Account(1, 9, 0, 0, {}, {}, "一"),
    vocab_size=28,
    splits={"train": {"perplexity": 4.0}, "eval": {"perplexity": 5.0}},
    gate_split="eval",
    blessed=False,
    reason="every threshold holds",
    pushed_to=None,
    version=None,
)


def test_a_gate_on_held_out_text_measures_more_than_memory():
    assert not SUMMARY.memory_only


@pytest.mark.parametrize("splits", [["train"], ["train", "eval"]])
def test_a_gate_on_the_training_text_measures_memory_whatever_is_held_out(splits):
    figures = {split: {"perplexity": 4.0} for split in splits}
    assert replace(SUMMARY, splits=figures, gate_split="train").memory_only


@pytest.mark.parametrize(
    ("ratios", "wins"),
    [
        ({"eval": 1.2, "validation": 0.9}, True),
        ({"eval": 0.9, "validation": 1.2}, False),
        ({"eval": 1.0}, False),
        ({"train": 1.2}, False),
    ],
)
def test_an_n_gram_wins_on_held_out_text(ratios, wins):
    splits = {split: {"perplexity_to_ngram": ratio} for split, ratio in ratios.items()}
    assert replace(SUMMARY, splits=splits).ngram_wins == wins
    assert not SUMMARY.ngram_wins  # where none was measured


def test_all_is_cached_only_if_every_stage_is():
    assert not SUMMARY.all_cached
    assert replace(SUMMARY, stages=SUMMARY.stages[1:]).all_cached
