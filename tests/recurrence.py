"""Recurrent layers side by side: their answers, and all gradients of them."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from modules.hyperparameters import Hyperparameters

UNITS, INPUT_SIZE = 4, 3

# Hyperparameters of each kind.
KINDS = {
    "rnn": {"cell": "rnn"},
    "gru, reset after": {"cell": "gru", "reset_after": True},
    "gru, reset before": {"cell": "gru", "reset_after": False},
    "lstm": {"cell": "lstm"},
}


class Outcome(NamedTuple):
    """What came of a sequence, time-major."""

    outputs: np.ndarray
    state: list[np.ndarray]
    d_inputs: np.ndarray | None
    d_state: list[np.ndarray]
    d_weights: list[np.ndarray]


def hyperparameters(kind: str, **options) -> Hyperparameters:
    return Hyperparameters(num_hiddens=UNITS, embedding_size=0, **KINDS[kind], **options)


def normal(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.random.stateless_normal(shape, [seed, sum(shape)])


def keras_layer(kind: str, input_size: int = INPUT_SIZE) -> keras.layers.RNN:
    """Keras's own, with weights of all sizes, its biases too."""
    options = dict(KINDS[kind])
    name = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}[options.pop("cell")]
    make = getattr(keras.layers, name)
    layer = make(UNITS, return_sequences=True, return_state=True, **options)
    layer.build((None, None, input_size))
    layer.set_weights([normal(*w.shape, seed=i) * 0.5 for i, w in enumerate(layer.weights)])
    return layer


def time_major(layer: keras.layers.RNN) -> Callable:
    def read(inputs, state):
        outputs, *state = layer(tf.transpose(inputs, [1, 0, 2]), initial_state=state)
        return tf.transpose(outputs, [1, 0, 2]), state

    return read


def state_of(kind: str, batch_size: int) -> list[tf.Tensor]:
    """One that is not zero."""
    num_states = 2 if kind == "lstm" else 1
    return [normal(batch_size, UNITS, seed=10 + i) for i in range(num_states)]


def outcome(read: Callable, inputs: tf.Tensor, state: list[tf.Tensor], weights: list) -> Outcome:
    """Reads; the loss depends on every output and on the last state."""
    weights = [getattr(weight, "value", weight) for weight in weights]
    with tf.GradientTape() as tape:
        tape.watch([inputs, state, weights])
        outputs, last = read(inputs, state)
        loss = tf.reduce_sum(outputs * normal(*outputs.shape, seed=20))
        for i, part in enumerate(last):
            loss += tf.reduce_sum(part * normal(*part.shape, seed=30 + i))
    d_inputs, d_state, d_weights = tape.gradient(loss, [inputs, state, weights])
    return Outcome(
        outputs.numpy(),
        [part.numpy() for part in last],
        None if d_inputs is None else tf.convert_to_tensor(d_inputs).numpy(),
        [part.numpy() for part in d_state],
        [tf.convert_to_tensor(gradient).numpy() for gradient in d_weights],
    )


def assert_same(ours: Outcome, theirs: Outcome, atol: float = 1e-5) -> None:
    assert (ours.d_inputs is None) == (theirs.d_inputs is None)
    actual, expected = (
        [array for array in tf.nest.flatten(result) if array is not None]
        for result in (ours, theirs)
    )
    for one, other in zip(actual, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=atol, rtol=atol)
        assert np.abs(other).max() > 1e-2  # not one of them is left out of the loss
