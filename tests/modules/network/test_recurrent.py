import numpy as np
import pytest
import tensorflow as tf
from recurrence import (
    INPUT_SIZE,
    KINDS,
    assert_same,
    hyperparameters,
    keras_layer,
    normal,
    outcome,
    state_of,
    time_major,
)

from modules.network import bptt
from modules.network.recurrent import Lookup, RecurrentLayer

UNROLLED, IN_A_LOOP = 6, 130  # steps


def layer_like(keras_layer, kind, input_size=INPUT_SIZE, **options):
    layer = RecurrentLayer(hyperparameters(kind, **options), input_size)
    for weight, value in zip(layer.weights, keras_layer.weights, strict=True):
        weight.assign(value)
    return layer


def trained(layer, inputs, state):
    def read(inputs, state):
        return layer(inputs, state, training=True)

    return outcome(read, inputs, state, layer.weights)


def expected_of(keras_layer, inputs, state):
    return outcome(time_major(keras_layer), inputs, state, keras_layer.weights)


@pytest.mark.parametrize(
    ("num_steps", "batch_size"), [(1, 1), (1, 2), (UNROLLED, 1), (UNROLLED, 4), (UNROLLED, 5)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_keras_s_layer(kind, num_steps, batch_size):
    """Outputs, states and every gradient."""
    theirs = keras_layer(kind)
    inputs, state = normal(num_steps, batch_size, INPUT_SIZE), state_of(kind, batch_size)
    ours = trained(layer_like(theirs, kind), inputs, state)
    assert_same(ours, expected_of(theirs, inputs, state))


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_are_those_of_training(kind):
    theirs = keras_layer(kind)
    inputs, state = normal(UNROLLED, 3, INPUT_SIZE), state_of(kind, 3)
    layer = layer_like(theirs, kind)
    expected, expected_state = time_major(theirs)(inputs, state)
    outputs, last = layer(inputs, state)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    for index in range(UNROLLED):
        output, state = layer.step(inputs[index], state)
        np.testing.assert_allclose(output, expected[index], atol=1e-5)
    for parts in zip(last, state, expected_state, strict=True):
        np.testing.assert_allclose(parts[0], parts[2], atol=1e-5)
        np.testing.assert_allclose(parts[1], parts[2], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_is_its_one_hot_vector(kind):
    theirs = keras_layer(kind)
    indices, state = tf.constant([[0, 2, 1], [2, 2, 0]], tf.int64), state_of(kind, 3)
    by_index = trained(layer_like(theirs, kind), indices, state)
    by_vector = expected_of(theirs, tf.one_hot(indices, INPUT_SIZE), state)
    assert by_index.d_inputs is None
    assert_same(by_index, by_vector._replace(d_inputs=None))


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_looked_up_is_read_where_it_stands(kind, on_gpu, monkeypatch):
    theirs = keras_layer(kind)
    layer, state = layer_like(theirs, kind), state_of(kind, 3)
    monkeypatch.setattr(layer, "_cudnn", on_gpu)
    vectors, places = normal(3, INPUT_SIZE), tf.constant([[0, 2, 1], [2, 2, 0]])

    def looked_up(vectors, state):
        return layer(Lookup(vectors, places), state, training=True)

    def in_place(vectors, state):
        return time_major(theirs)(tf.gather(vectors, places), state)

    expected = outcome(in_place, vectors, state, theirs.weights)
    assert_same(outcome(looked_up, vectors, state, layer.weights), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_long_sequences_are_read_in_a_loop(kind, monkeypatch):
    theirs = keras_layer(kind)
    inputs, state = normal(IN_A_LOOP, 3, INPUT_SIZE), state_of(kind, 3)
    expected = expected_of(theirs, inputs, state)
    monkeypatch.setattr(bptt, "unroll", None)
    assert_same(trained(layer_like(theirs, kind), inputs, state), expected, atol=5e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of_indices", [False, True])
def test_with_a_gpu_keras_s_layer_trains(kind, of_indices, monkeypatch):
    theirs = keras_layer(kind)
    inputs, state = normal(UNROLLED, 3, INPUT_SIZE), state_of(kind, 3)
    if of_indices:
        inputs = tf.argmax(inputs, axis=-1)
    layer = layer_like(theirs, kind)
    by_hand = trained(layer, inputs, state)
    monkeypatch.setattr(layer, "_cudnn", True)
    monkeypatch.setattr(bptt, "unroll", None)
    assert_same(trained(layer, inputs, state), by_hand)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_close(kind):
    theirs = keras_layer(kind)
    inputs, state = normal(UNROLLED, 3, INPUT_SIZE), state_of(kind, 3)
    exact = trained(layer_like(theirs, kind), inputs, state)
    rounded = trained(layer_like(theirs, kind, precision="bfloat16"), inputs, state)
    assert 1e-5 < np.abs(rounded.outputs - exact.outputs).max() < 2e-2  # of 8 bits
    for gradient in (*rounded.d_weights, *rounded.d_state, rounded.d_inputs):
        assert gradient.dtype == np.float32


def test_bfloat16_is_for_training_only():
    theirs = keras_layer("lstm")
    inputs, state = normal(UNROLLED, 2, INPUT_SIZE), state_of("lstm", 2)
    exact, _ = layer_like(theirs, "lstm")(inputs, state)
    rounded, _ = layer_like(theirs, "lstm", precision="bfloat16")(inputs, state)
    np.testing.assert_array_equal(rounded, exact)
