"""One entry of FIGURES is all that a figure takes, from the model's graph to the summary's row."""

import math

import numpy as np
import pytest
import tensorflow as tf

from modules.corpus.account import Account
from modules.evaluation.figures import CACHE, FIGURES, Figure
from modules.evaluation.perplexity import Tally
from modules.signatures.language import ServableModel
from pipeline.console.tables import print_summary
from pipeline.summary import Summary

UNIGRAM = np.log(np.full(8, 1 / 8))


@pytest.fixture
def cache_perplexity(monkeypatch) -> str:
    """The name of one figure more: of the cache alone."""
    figure = Figure("cache", "cache_alone_nats", lambda cache, fitted: {CACHE: 1.0})
    monkeypatch.setitem(FIGURES, "cache_perplexity", figure)
    return "cache_perplexity"


def test_a_figure_is_one_entry(cache_perplexity, build_model, vocabulary, scored_window, capsys):
    nats = [math.log(2), math.log(8)]  # of two characters: a perplexity of 4
    window = scored_window("xab", 1, ngram_nats=[1.0, 1.0], cache_nats=nats)
    servable = ServableModel(build_model(), vocabulary, UNIGRAM)
    outputs = servable.evaluate(tf.constant([window.SerializeToString()]))

    tally = Tally()
    tally.add({name: values.numpy()[0] for name, values in outputs.items()})
    assert tally.figures[cache_perplexity] == pytest.approx(4)

    print_summary(
        Summary(
            stages=[],
            corpus=Account(1, 9, 0, 0, {}, {}, "一"),
            vocab_size=8,
            splits={"eval": tally.figures},
            gate_split="eval",
            blessed=True,
            reason="every threshold holds",
            pushed_to=None,
            version=None,
        )
    )
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cache", "4.00"] in rows
