import numpy as np
import pytest

from benchmarks.book_settings import Network, learn_by_heart, least_perplexity, tasks
from benchmarks.learning import Curve

TEXT = "春天来了花儿开 夏天来了雨水多 " * 80  # 1,280 characters: a minibatch of 32 windows


def test_six_networks_in_both_samplings_and_in_the_books_recipe():
    todo = tasks(["rnn", "gru", "lstm"], ["consecutive", "random"])
    assert len(set(todo)) == 6 * 2 + 6
    assert all(network.sampling == "consecutive" for network, recipe in todo if recipe == "book")


@pytest.mark.parametrize("network", [Network("gru", True), Network("lstm", False, "random")])
def test_a_network_learns_and_writes(network):
    learnt = learn_by_heart(TEXT, network, "tfx-lyrics", num_epochs=12, num_hiddens=8)
    perplexities = learnt.curve.perplexities
    assert len(perplexities) == len(learnt.curve.seconds) == 12
    assert perplexities[-1] < perplexities[0] < 20
    assert np.all(np.diff(learnt.curve.seconds) > 0)
    for prefix, text in learnt.samples.items():
        assert text.startswith(prefix)
        assert set(text[len(prefix) :]) <= set(TEXT)
        assert len(text) == len(prefix) + 50


def test_a_curve_tells_its_first_and_its_best():
    curve = Curve([9.0, 1.04, 1.06, 1.01], [1.0, 2.0, 3.0, 4.0])
    assert curve.first_below(1.05) == 2
    assert curve.first_below(1.0) is None
    assert curve.best(3) == 1.04
    assert curve.best(250) == 1.01


def test_no_model_knows_how_windows_that_begin_alike_go_on():
    # The windows aba and acd: two of the four characters to predict are one of two.
    assert least_perplexity("abacd", num_steps=2) == pytest.approx(2 ** (2 / 4))
    # The windows abc and cad do not begin alike.
    assert least_perplexity("abcad", num_steps=2) == pytest.approx(1)
