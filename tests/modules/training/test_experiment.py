import numpy as np
import pytest
import tensorflow as tf

from modules.signatures.language import ServableModel
from modules.training.experiment import tally


def test_a_tally_adds_up_all_windows(build_model, vocabulary, scored_window):
    servable = ServableModel(build_model(), vocabulary, np.log(np.full(8, 1 / 4)))
    windows = [scored_window("a夏\n"), scored_window("春秋a", context=1), scored_window("b")]
    serialized = [window.SerializeToString() for window in windows]
    result = tally(servable.evaluate, tf.data.Dataset.from_tensor_slices(serialized).batch(2))
    assert result.characters == 6
    assert result.unknown == {"夏", "秋"}
    assert result.figures["uniform_perplexity"] == pytest.approx(8 * 2 ** (2 / 6))
    assert result.figures["unigram_perplexity"] == pytest.approx(4 * 2 ** (2 / 6))
    nats = servable.evaluate(tf.constant(serialized))["nats"]
    assert result.nats["nats"] == pytest.approx(float(tf.reduce_sum(nats)), rel=1e-5)
