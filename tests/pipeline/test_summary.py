from dataclasses import replace

import pytest

from pipeline.summary import Stage, Summary

pytestmark = pytest.mark.fast

SUMMARY = Summary(
    stages=[Stage("Transform", 1.5, False), Stage("Trainer", 0, True)],
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


def test_all_is_cached_only_if_every_stage_is():
    assert not SUMMARY.all_cached
    assert replace(SUMMARY, stages=SUMMARY.stages[1:]).all_cached
