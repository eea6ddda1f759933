import keras
import numpy as np
import pytest
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel

CELLS = ["rnn", "gru", "lstm"]
IDS = tf.constant([[1, 5, 2, 7, 0, 3], [4, 4, 6, 1, 2, 2]], tf.int64)


def assert_same_state(state, expected, atol=1e-5):
    tf.nest.assert_same_structure(state, expected)
    for one, other in zip(tf.nest.flatten(state), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_steps_are_the_sequence(build_model, cell, num_layers):
    model = build_model(cell, num_layers=num_layers)
    expected, expected_state = model(IDS, model.initial_state(2))
    state = model.initial_state(2)
    for step in range(6):
        logits, state = model.step(IDS[:, step], state)
        np.testing.assert_allclose(logits, expected[:, step], atol=1e-5)
    assert_same_state(state, expected_state)
    assert np.abs(np.diff(expected, axis=1)).min(axis=-1).max() > 1e-3  # the answers do differ


@pytest.mark.parametrize("cell", CELLS)
def test_two_halves_are_the_whole(build_model, cell):
    model = build_model(cell, num_layers=2)
    whole, whole_state = model(IDS, model.initial_state(2))
    first, state = model(IDS[:, :3], model.initial_state(2))
    second, state = model(IDS[:, 3:], state)
    np.testing.assert_allclose(tf.concat([first, second], axis=1), whole, atol=1e-5)
    assert_same_state(state, whole_state)
    from_zeros, _ = model(IDS[:, 3:], model.initial_state(2))
    assert np.abs(from_zeros - second).max() > 1e-3  # the state matters


def test_the_model_remembers_nothing_itself(build_model):
    model = build_model("gru")
    first, _ = model(IDS, model.initial_state(2))
    again, _ = model(IDS, model.initial_state(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("cell", "states"), [("rnn", 1), ("gru", 1), ("lstm", 2)])
def test_shapes(build_model, cell, states):
    model = build_model(cell, num_layers=3, vocab_size=11)
    logits, state = model(IDS, model.initial_state(2))
    assert logits.shape == (2, 6, 11)
    assert [[part.shape for part in layer] for layer in state] == [[(2, 8)] * states] * 3
    tf.nest.assert_same_structure(state, model.initial_state(2))


@pytest.mark.parametrize(
    ("cell", "recurrent"),
    [
        ("rnn", 8 * (4 + 8 + 1)),
        ("gru", 3 * 8 * (4 + 8 + 2)),  # two biases: the reset gate comes after the product
        ("lstm", 4 * 8 * (4 + 8 + 1)),
    ],
)
def test_weights_are_all_of_them(build_model, cell, recurrent):
    weights = build_model(cell, vocab_size=11).weights
    assert sum(int(tf.size(weight.value)) for weight in weights) == (
        11 * 4 + recurrent + (8 + 1) * 11
    )


def test_a_recurrent_step_of_the_book(build_model):
    """Section 6.4: H = tanh(X W + H W + b), O = H W + b."""
    model = build_model("rnn")
    embedding, W_xh, W_hh, b_h, W_hq, b_q = (weight.numpy() for weight in model.weights)
    H = np.zeros((2, 8), np.float32)
    for step in range(6):
        H = np.tanh(embedding[IDS[:, step]] @ W_xh + H @ W_hh + b_h)
    logits, [[state]] = model(IDS, model.initial_state(2))
    np.testing.assert_allclose(state, H, atol=1e-5)
    np.testing.assert_allclose(logits[:, -1], H @ W_hq + b_q, atol=1e-4)


def training_nats(model) -> float:
    return float(model.loss(IDS, IDS, model.initial_state(2)).nats)


def test_dropout_is_for_training_only(build_model):
    model = build_model("gru", num_layers=2, dropout=0.5)
    plain = build_model("gru", num_layers=2)
    expected, _ = plain(IDS, plain.initial_state(2))
    np.testing.assert_array_equal(model(IDS, model.initial_state(2))[0], expected)
    first, second = training_nats(model), training_nats(model)
    assert abs(first - training_nats(plain)) > 1e-3
    assert abs(first - second) > 1e-3  # new units each time


def test_the_global_seed_decides_on_the_weights():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return LanguageModel(8, Hyperparameters(num_hiddens=8, embedding_size=4)).weights

    first, same, other = (weights(seed) for seed in (1, 1, 2))
    for one, twin in zip(first, same, strict=True):
        np.testing.assert_array_equal(one, twin)
    assert not np.array_equal(first[0], other[0])
