import keras
import numpy as np
import pytest
import tensorflow as tf
from recurrence import (
    INPUT_SIZE,
    KINDS,
    UNITS,
    assert_same,
    hyperparameters,
    keras_layer,
    normal,
    outcome,
    state_of,
    time_major,
)

from modules.network.scratch import ScratchLayer, parameter


def split(weights) -> list[np.ndarray]:
    """Of Keras's weights, or of their gradients: a matrix for each gate, and the biases."""
    kernel, recurrent_kernel, bias = map(np.asarray, weights)
    num_gates = kernel.shape[1] // UNITS
    parts = [*np.split(kernel, num_gates, axis=1), *np.split(recurrent_kernel, num_gates, axis=1)]
    if bias.ndim == 1:
        return parts + np.split(bias, num_gates)
    return parts + np.split(bias[0], num_gates) + [bias[1, 2 * UNITS :]]


def layer_like(theirs, kind):
    layer = ScratchLayer(hyperparameters(kind, from_scratch=True), INPUT_SIZE)
    weights = [np.array(weight) for weight in theirs.weights]
    values = split(weights)
    if weights[2].ndim == 2:  # of z and r only the sum of the two biases counts
        num_matrices = 6
        for gate in range(2):
            values[num_matrices + gate] += weights[2][1, gate * UNITS : (gate + 1) * UNITS]
    for weight, value in zip(layer.weights, values, strict=True):
        weight.assign(value)
    return layer


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("num_steps", "batch_size"), [(1, 1), (6, 1), (6, 5)])
@pytest.mark.parametrize("kind", KINDS)
def test_from_scratch_is_keras_s_layer(kind, num_steps, batch_size, training):
    """Outputs, states and every gradient."""
    theirs = keras_layer(kind)
    inputs, state = normal(num_steps, batch_size, INPUT_SIZE), state_of(kind, batch_size)
    layer = layer_like(theirs, kind)

    def read(inputs, state):
        return layer(inputs, state, training)

    expected = outcome(time_major(theirs), inputs, state, theirs.weights)
    expected = expected._replace(d_weights=split(expected.d_weights))
    assert_same(outcome(read, inputs, state, layer.weights), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_is_its_one_hot_vector(kind):
    layer = layer_like(keras_layer(kind), kind)
    indices, state = tf.constant([[0, 2, 1], [2, 2, 0]], tf.int64), state_of(kind, 3)
    vectors = tf.one_hot(indices, INPUT_SIZE)
    np.testing.assert_array_equal(layer(indices, state)[0], layer(vectors, state)[0])


def test_weights_begin_as_the_book_s():
    """N(0, 0.01^2), and biases of zero."""
    keras.utils.set_random_seed(0)
    matrix, vector = parameter(200, 300).numpy(), parameter(300).numpy()
    assert np.std(matrix) == pytest.approx(0.01, rel=0.02)
    assert np.mean(matrix) == pytest.approx(0, abs=2e-4)
    share = np.mean(np.abs(matrix) < 0.01)
    assert share == pytest.approx(0.6827, abs=0.01)  # as of a normal distribution
    assert np.abs(matrix).max() > 0.03  # one that is not truncated
    assert not vector.any()


@pytest.mark.parametrize("kind", KINDS)
def test_all_weights_of_a_layer_begin_so(kind):
    weights = ScratchLayer(hyperparameters(kind, from_scratch=True), 100).weights
    for weight in weights:
        spread = np.std(weight.numpy())
        assert spread < 0.02
        assert (spread > 0) == (len(weight.shape) == 2)
