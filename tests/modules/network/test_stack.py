import keras
import numpy as np
import pytest
import tensorflow as tf
from recurrence import KINDS, normal

from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.network.recurrent import Lookup
from modules.network.stack import Embedding, Output, Stack

UNITS, VOCAB_SIZE = 4, 7
IDS = tf.constant([[1, 5, 2, 6], [4, 4, 0, 1], [3, 1, 2, 2]], tf.int64)  # [T, B]


def hyperparameters(kind="gru, reset after", **options) -> Hyperparameters:
    options = {"num_hiddens": UNITS, "embedding_size": 0} | options
    return Hyperparameters(**KINDS[kind], **options)


def stack_of(input_size=VOCAB_SIZE, **options) -> Stack:
    stack = Stack(hyperparameters(**options), input_size, keras.random.SeedGenerator(1))
    for number, weight in enumerate(stack.weights):
        weight.assign(normal(*weight.shape, seed=number))
    return stack


def keras_stack(stack, kind, num_layers) -> list[keras.layers.RNN]:
    """Keras's layers with the same weights."""
    options = dict(KINDS[kind])
    name = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}[options.pop("cell")]
    layers, weights = [], iter(stack.weights)
    for index in range(num_layers):
        make = getattr(keras.layers, name)
        layer = make(UNITS, return_sequences=True, return_state=True, **options)
        layer.build((None, None, UNITS if index else VOCAB_SIZE))
        layer.set_weights([next(weights).numpy() for _ in layer.weights])
        layers.append(layer)
    return layers


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_keras_s_one_on_top_of_the_other(kind, num_layers, training):
    stack = stack_of(kind=kind, num_layers=num_layers)
    states = [
        [normal(4, UNITS, seed=100 * layer + part) for part in range(2 if kind == "lstm" else 1)]
        for layer in range(num_layers)
    ]
    outputs, after = stack(IDS, states, training)
    expected = tf.one_hot(tf.transpose(IDS), VOCAB_SIZE)
    expected_after = []
    for layer, state in zip(keras_stack(stack, kind, num_layers), states, strict=True):
        expected, *last = layer(expected, initial_state=state)
        expected_after.append(last)
    np.testing.assert_allclose(outputs, tf.transpose(expected, [1, 0, 2]), atol=1e-5)
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5), after, expected_after
    )


@pytest.mark.parametrize("num_layers", [1, 3])
def test_an_lstm_s_state_is_h_and_c(num_layers):
    stack = stack_of(kind="lstm", num_layers=num_layers)
    states = stack.initial_state(2)
    assert [len(state) for state in states] == [2] * num_layers
    outputs, states = stack(IDS[:, :2], states)
    np.testing.assert_array_equal(outputs[-1], states[-1][0])
    assert np.abs(states[-1][0] - states[-1][1]).max() > 1e-3


# Dropout.


def dropped(stack, ids=IDS) -> np.ndarray:
    """Which units of the outputs are: bool[T, B, UNITS]."""
    outputs, _ = stack(ids, stack.initial_state(ids.shape[1]), training=True)
    return outputs.numpy() == 0


def test_standard_dropout_drops_other_units_at_each_step():
    units = dropped(stack_of(dropout=0.5), tf.ones([20, 8], tf.int64))
    assert (units != units[:1]).any()
    assert np.mean(units) == pytest.approx(0.5, abs=0.08)


def test_variational_dropout_drops_the_same_units_at_each_step():
    stack = stack_of(dropout=0.5, variational_dropout=True)
    units = dropped(stack, tf.ones([20, 50], tf.int64))
    assert (units == units[:1]).all()
    assert (units[0] != units[0, :1]).any()  # but other ones in each sequence
    assert np.mean(units) == pytest.approx(0.5, abs=0.12)
    again = dropped(stack, tf.ones([20, 50], tf.int64))
    assert (units[0] != again[0]).any()  # and in each minibatch


@pytest.mark.parametrize("variational", [False, True])
def test_what_is_left_is_scaled_up(variational):
    plain = stack_of()
    expected, _ = plain(IDS, plain.initial_state(4), training=True)
    stack = stack_of(dropout=0.75, variational_dropout=variational)
    outputs, _ = stack(IDS, stack.initial_state(4), training=True)
    kept = outputs.numpy() != 0
    assert kept.any()
    np.testing.assert_allclose(outputs.numpy()[kept], 4 * expected.numpy()[kept], rtol=1e-5)


def test_vectors_are_dropped_too_and_states_never():
    stack = stack_of(dropout=0.5)
    vectors = tf.one_hot(IDS, VOCAB_SIZE)
    (by_index,) = stack(IDS, stack.initial_state(4), training=True)[1]
    (by_vector,) = stack(vectors, stack.initial_state(4), training=True)[1]
    (expected,) = stack(IDS, stack.initial_state(4))[1]
    np.testing.assert_allclose(by_index[0], expected[0], atol=1e-6)
    assert np.abs(by_vector[0] - expected[0]).max() > 1e-3


def test_of_a_vector_other_units_are_dropped_wherever_it_stands():
    looked_up = Lookup(normal(3, VOCAB_SIZE), tf.ones([20, 4], tf.int32))
    one, other = (stack_of(dropout=0.5) for _ in range(2))
    outputs, _ = one(looked_up, one.initial_state(4), training=True)
    expected, _ = other(looked_up.sequences, other.initial_state(4), training=True)
    np.testing.assert_array_equal(outputs, expected)


# Layer normalisation.


def test_a_layer_s_output_is_normalised():
    """Ba et al.: (h - mean) / standard deviation * gain + bias, of each vector by itself."""
    stack = stack_of(layer_norm=True)
    *_, gain, bias = (weight.numpy() for weight in stack.weights)
    plain = stack_of()
    hiddens = plain(IDS, plain.initial_state(4))[0].numpy()
    mean, variance = hiddens.mean(-1, keepdims=True), hiddens.var(-1, keepdims=True)
    expected = (hiddens - mean) / np.sqrt(variance + 1e-3) * gain + bias
    for training in (False, True):
        outputs, states = stack(IDS, stack.initial_state(4), training)
        np.testing.assert_allclose(outputs, expected, atol=1e-5)
        np.testing.assert_allclose(states[0][0], hiddens[-1], atol=1e-5)  # the state is not


def test_every_layer_has_its_own():
    plain, normalised = stack_of(num_layers=3), stack_of(num_layers=3, layer_norm=True)
    assert len(normalised.weights) - len(plain.weights) == 2 * 3
    states = normalised.initial_state(4)
    outputs, _ = normalised(IDS, states)
    for index in range(3):
        output, states = normalised.step(IDS[index], states)
        np.testing.assert_allclose(output, outputs[index], atol=1e-5)


# Characters' vectors and logits.


def test_an_embedding_of_size_0_is_one_hot():
    embedding = Embedding(hyperparameters(embedding_size=0), VOCAB_SIZE)
    assert embedding.weights == []
    assert embedding.output_size == VOCAB_SIZE
    assert embedding(IDS) is IDS
    assert embedding(IDS, training=True) is IDS


def test_an_embedding_is_rows_of_its_matrix():
    embedding = Embedding(hyperparameters(embedding_size=3), VOCAB_SIZE)
    (matrix,) = embedding.weights
    assert embedding.output_size == 3
    np.testing.assert_array_equal(embedding(IDS), matrix.numpy()[IDS])


def test_in_training_the_vector_of_a_character_is_held_once():
    embedding = Embedding(hyperparameters(embedding_size=3), VOCAB_SIZE)
    looked_up = embedding(IDS, training=True)
    assert len(looked_up.vectors) == len(np.unique(IDS))
    np.testing.assert_array_equal(looked_up.sequences, embedding(IDS))


@pytest.mark.parametrize("from_scratch", [False, True])
def test_logits_are_a_product_and_a_bias(from_scratch):
    options = hyperparameters(from_scratch=from_scratch)
    output = Output(options, UNITS, Embedding(options, VOCAB_SIZE), VOCAB_SIZE)
    kernel, bias = output.weights
    assert not bias.numpy().any()
    assert (np.std(kernel.numpy()) < 0.02) == from_scratch  # the book's N(0, 0.01^2)
    bias.assign(normal(VOCAB_SIZE))
    hiddens = normal(5, UNITS)
    expected = hiddens.numpy() @ kernel.numpy() + bias.numpy()
    np.testing.assert_allclose(output(hiddens), expected, atol=1e-6)


def gradients_of(model) -> list[np.ndarray]:
    """Of the loss of IDS, by weight."""
    ids = tf.transpose(IDS)
    with tf.GradientTape() as tape:
        outcome = model.loss(ids, ids, model.initial_state(4))
    gradients = tape.gradient(outcome.loss, [weight.value for weight in model.weights])
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def test_tied_weights_are_the_embedding_s():
    """No further weights; what one matrix did for both is the sum of the two gradients."""
    options = {"num_hiddens": UNITS, "embedding_size": UNITS}
    tied = LanguageModel(VOCAB_SIZE, Hyperparameters(**options, tie_weights=True))
    free = LanguageModel(VOCAB_SIZE, Hyperparameters(**options))
    matrix, *recurrent, bias = tied.weights
    assert len(free.weights) == len(tied.weights) + 1
    values = [matrix, *recurrent, tf.transpose(matrix.value), bias]
    for weight, value in zip(free.weights, values, strict=True):
        weight.assign(value)

    d_matrix, *d_recurrent, d_bias = gradients_of(tied)
    d_embedding, *d_free_recurrent, d_kernel, d_free_bias = gradients_of(free)
    np.testing.assert_allclose(d_matrix, d_embedding + d_kernel.T, atol=1e-6)
    assert np.abs(d_embedding).max() > 1e-4
    for one, other in zip([*d_recurrent, d_bias], [*d_free_recurrent, d_free_bias], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_bfloat16_s_gradients_are_within_one_percent_and_one_and_a_half_of_an_rnn():
    """The RNN has no gate that lets a rounding error fade on its way back."""
    for cell, most in (("rnn", 0.015), ("gru", 0.01), ("lstm", 0.01)):
        exact, rounded = (
            np.concatenate([gradient.ravel() for gradient in gradients])
            for gradients in (long_gradients(cell, p) for p in ("float32", "bfloat16"))
        )
        difference = np.linalg.norm(rounded - exact) / np.linalg.norm(exact)
        assert 1e-4 < difference < most, cell


def long_gradients(cell, precision) -> list[np.ndarray]:
    """Of 35 steps of characters drawn at random, which teach nothing: the hardest case."""
    keras.utils.set_random_seed(1)
    options = Hyperparameters(cell=cell, num_hiddens=32, embedding_size=32, precision=precision)
    model = LanguageModel(50, options)
    ids = tf.random.stateless_uniform([8, 36], [1, 2], 0, 50, tf.int64)
    with tf.GradientTape() as tape:
        outcome = model.loss(ids[:, :-1], ids[:, 1:], model.initial_state(8))
    gradients = tape.gradient(outcome.loss, [weight.value for weight in model.weights])
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
