import keras
import numpy as np
import pytest
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel

CELLS = ["rnn", "gru", "lstm"]
ROWS = [[1, 5, 2, 7, 3, 6], [4, 6, 1, 2]]
IDS = tf.constant([ROWS[0], [*ROWS[1], 0, 0]], tf.int64)
LENGTHS = tf.constant([6, 4], tf.int64)
LINE_END = tf.constant(1, tf.int64)


@pytest.fixture(scope="session")
def build(build_model):
    return lambda *args, **sizes: build_model(*args, task="fill", **sizes)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_character_is_predicted_from_all_others_and_not_from_itself(build, cell, num_layers):
    model = build(cell, num_layers=num_layers, layer_norm=num_layers == 2)
    before = model(IDS[:1], LENGTHS[:1])[0].numpy()  # [4, vocab_size]
    for changed in range(6):
        ids = np.array(ROWS[:1])
        ids[0, changed] = 4
        after = model(tf.constant(ids), LENGTHS[:1])[0].numpy()
        for predicted in range(1, 5):
            difference = np.abs(after - before)[predicted - 1].max()
            if predicted == changed:
                assert difference == 0
            else:
                assert difference > 1e-5, (predicted, changed)


def test_its_logits_are_made_of_one_state_on_either_side(build):
    """Two stacks that read as the language model's does, step by step; one product."""
    model = build("lstm", num_layers=2)
    forwards, backwards = model._stacks

    def last_hidden(stack, ids):
        state = model.initial_state(1)
        for character in ids:
            hidden, state = stack.step(model._embedding(tf.constant([character])), state)
        return hidden  # [1, num_hiddens]

    logits = model(IDS, LENGTHS)
    for row, ids in enumerate(ROWS):
        for place in range(1, len(ids) - 1):
            before = last_hidden(forwards, ids[:place])
            after = last_hidden(backwards, ids[:place:-1])
            expected = model._output(tf.concat([before, after], axis=1))
            np.testing.assert_allclose(logits[row, place - 1], expected[0], atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_shapes(build, cell):
    model = build(cell, vocab_size=11)
    assert model(IDS, LENGTHS).shape == (2, 4, 11)
    stacks = [[weight.shape for weight in stack.weights] for stack in model._stacks]
    assert stacks[0] == stacks[1]  # of weights of their own
    assert [weight.shape for weight in model.weights] == [
        (11, 4),
        *stacks[0],
        *stacks[1],
        (2 * 8, 11),
        (11,),
    ]
    assert len(set(map(id, model.weights))) == len(model.weights)


def test_what_stands_after_a_shorter_row_is_not_read(build):
    model = build()
    alone = model(IDS[1:, :4], LENGTHS[1:])
    np.testing.assert_allclose(model(IDS, LENGTHS)[1, :2], alone[0], atol=1e-6)


def test_texts_stand_between_line_ends(build):
    model = build()
    texts = tf.ragged.constant([[5, 2, 7], [3]], dtype=tf.int64)
    units = model.read_texts(texts, LINE_END)
    logits = tf.reshape(model.output(tf.reshape(units, [6, -1])), [2, 3, -1])
    assert logits.shape == (2, 3, 8)
    whole = tf.constant([[1, 5, 2, 7, 1]], tf.int64)
    np.testing.assert_allclose(logits[:1], model(whole, tf.constant([5])), atol=1e-6)
    alone = tf.constant([[1, 3, 1]], tf.int64)
    np.testing.assert_allclose(logits[1:, :1], model(alone, tf.constant([3])), atol=1e-6)


@pytest.mark.parametrize("sizes", [{}, {"from_scratch": True, "embedding_size": 0}])
@pytest.mark.parametrize("cell", CELLS)
def test_the_loss_and_its_gradients_are_those_of_the_logits(build, cell, sizes):
    """All of a window but its first and last character; the hand-written way against the tape."""
    model = build(cell, num_layers=2, **sizes)
    window = tf.constant([ROWS[0], [4, 6, 1, 2, 2, 5]], tf.int64)
    weights = [weight.value for weight in model.weights]
    with tf.GradientTape() as tape:
        loss = model.loss(window[:, :-1], window[:, 1:], model.initial_state(2))
    with tf.GradientTape() as plain_tape:
        logits = model(window, tf.constant([6, 6]))
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(window[:, 1:-1], logits)
        plain = tf.reduce_mean(nats)
    np.testing.assert_allclose(loss.nats, plain, rtol=1e-5)
    gradients, expected = tape.gradient(loss.loss, weights), plain_tape.gradient(plain, weights)
    for one, other in zip(gradients, expected, strict=True):
        one, other = map(tf.convert_to_tensor, (one, other))
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert np.abs(one).max() > 1e-4


def test_it_learns_what_only_both_sides_tell():
    """One side says whether the middle is of 1 and 2 or of 3 and 4, the other which of the two."""
    keras.utils.set_random_seed(0)
    model = FillModel(8, Hyperparameters(task="fill", num_hiddens=16, embedding_size=8))
    rows = [[5 + pair, 1 + 2 * pair + which, 6 + which] for pair in (0, 1) for which in (0, 1)]
    windows = tf.constant(rows, tf.int64)
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.weights)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = model.loss(windows[:, :-1], windows[:, 1:], model.initial_state(len(rows)))
        gradients = tape.gradient(loss.loss, [weight.value for weight in model.weights])
        optimizer.apply(list(map(tf.convert_to_tensor, gradients)), model.weights)
        return loss.nats

    for _ in range(100):
        nats = step()
    assert nats < 0.1  # from one side alone it would be ln 2 at best
