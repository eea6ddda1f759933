import math

import numpy as np
import pytest
import tensorflow as tf

from modules.network.loss import cross_entropy

LOGITS = tf.constant([[2.0, -1.0, 0.5, 0.0], [0.0, 3.0, -2.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
TARGETS = tf.constant([0, 3, 2], tf.int64)


def tensorflow_s(logits, targets, smoothing):
    labels = tf.one_hot(targets, logits.shape[-1]) * (1 - smoothing) + smoothing / logits.shape[-1]
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.95])
def test_loss_and_gradient_are_tensorflow_s(smoothing, in_graph):
    def both(logits):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(logits)
            loss, nats = cross_entropy(logits, TARGETS, smoothing)
            tripled = 3 * loss  # what comes from above is passed on
            expected = tensorflow_s(logits, TARGETS, smoothing)
        gradients = tape.gradient(tripled, logits) / 3, tape.gradient(expected, logits)
        return loss, expected, nats, *gradients

    loss, expected, nats, gradient, expected_gradient = (
        tf.function(both)(LOGITS) if in_graph else both(LOGITS)
    )
    assert float(loss) == pytest.approx(float(expected), abs=1e-6)
    assert float(nats) == pytest.approx(float(tensorflow_s(LOGITS, TARGETS, 0)), abs=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)
    assert np.abs(gradient).max() > 0.05


def test_by_hand():
    """Two classes at odds of 3 to 1, then even odds."""
    logits = tf.constant([[math.log(3), 0.0], [5.0, 5.0]])
    loss, nats = cross_entropy(logits, tf.constant([1, 0]), label_smoothing=0.5)
    assert float(nats) == pytest.approx((math.log(4) + math.log(2)) / 2)
    # 0.5 of the target and 0.25 of either class.
    first = 0.75 * math.log(4) + 0.25 * math.log(4 / 3)
    assert float(loss) == pytest.approx((first + math.log(2)) / 2)


def test_without_smoothing_the_loss_is_the_nats():
    loss, nats = cross_entropy(LOGITS, TARGETS)
    assert float(loss) == float(nats)


def test_large_logits_stay_finite():
    logits = tf.constant([[1e4, -1e4, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss, _ = cross_entropy(logits, tf.constant([1]), 0.1)
    assert 80 < float(loss) < 1e4
    # The probabilities less what they should be: 0.9 of the second and a third of 0.1 of each.
    expected = [[1 - 1 / 30, -0.9 - 1 / 30, -1 / 30]]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, rtol=1e-5)
