import numpy as np
import pytest
import tensorflow as tf
from recurrence import assert_same, normal, outcome

from modules.network import bptt
from modules.network.cells import Gru, GruResetBefore, Linear, Lstm, Rnn

UNITS = 4
CELLS = {
    "rnn": (Rnn(), 1),
    "linear": (Linear(), 1),
    "gru": (Gru(), 3),
    "gru, reset before": (GruResetBefore(), 3),
    "lstm": (Lstm(), 4),
}


def sequence_of(kind, num_steps, batch_size):
    cell, gates = CELLS[kind]
    projected = normal(num_steps, batch_size, gates * UNITS, seed=1)
    state = [normal(batch_size, UNITS, seed=2 + i) for i in range(2 if kind == "lstm" else 1)]
    weights = [normal(UNITS, gates * UNITS, seed=4) * 0.5]
    if kind == "gru":
        weights.append(normal(gates * UNITS, seed=5))
    return cell, projected, state, weights


def by_the_tape(cell, projected, state, weights):
    """A loop over the steps: h of every step, and the last state."""
    outputs = []
    for step in tf.unstack(projected):
        state, _ = cell.forward(step, state, weights)
        outputs.append(state[0])
    return tf.stack(outputs), state


@pytest.mark.parametrize(("num_steps", "batch_size"), [(1, 1), (1, 4), (6, 1), (6, 5), (7, 2)])
@pytest.mark.parametrize("kind", CELLS)
def test_the_way_back_by_hand_is_the_tape_s(kind, num_steps, batch_size):
    cell, projected, state, weights = sequence_of(kind, num_steps, batch_size)

    def by_hand(projected, state):
        return bptt.unroll(cell, projected, state, weights)

    def taped(projected, state):
        return by_the_tape(cell, projected, state, weights)

    expected = outcome(taped, projected, state, weights)
    assert_same(outcome(by_hand, projected, state, weights), expected)
    in_a_graph = outcome(tf.function(by_hand), projected, state, weights)
    assert_same(in_a_graph, expected)


@pytest.mark.parametrize("kind", CELLS)
def test_the_gradient_of_every_hidden_state(kind):
    """Each h_t is moved by a little; what that does to the loss is dL/dh_t."""
    cell, projected, state, weights = sequence_of(kind, num_steps=5, batch_size=3)
    d_hiddens, d_state = normal(5, 3, UNITS, seed=6), [tf.zeros_like(part) for part in state]
    nudges = [tf.zeros([3, UNITS]) for _ in range(5)]
    with tf.GradientTape() as tape:
        tape.watch(nudges)
        loss, nudged = 0.0, state
        for step, nudge, d_hidden in zip(
            tf.unstack(projected), nudges, tf.unstack(d_hiddens), strict=True
        ):
            (hidden, *rest), _ = cell.forward(step, nudged, weights)
            nudged = [hidden + nudge, *rest]
            loss += tf.reduce_sum(nudged[0] * d_hidden)
    expected = tf.stack(tape.gradient(loss, nudges))

    steps = bptt.forward(cell, projected, state, weights)
    gradients = bptt.backward(cell, steps, weights, d_hiddens, d_state)
    np.testing.assert_allclose(gradients.hiddens, expected, atol=1e-5)
    assert np.abs(expected[0]).max() > 1e-2


def test_a_step_begins_where_the_last_one_ended():
    cell, projected, state, weights = sequence_of("lstm", num_steps=4, batch_size=2)
    steps = bptt.forward(cell, projected, state, weights)
    for before, after, initial in zip(steps.before, steps.after, state, strict=True):
        np.testing.assert_array_equal(before[0], initial)
        np.testing.assert_array_equal(before[1:], after[:-1])


@pytest.mark.parametrize("kind", CELLS)
def test_sequences_do_not_see_each_other(kind):
    cell, projected, state, weights = sequence_of(kind, num_steps=3, batch_size=5)
    outputs, last = bptt.unroll(cell, projected, state, weights)
    for row in range(5):
        alone, alone_last = bptt.unroll(
            cell, projected[:, row : row + 1], [part[row : row + 1] for part in state], weights
        )
        np.testing.assert_allclose(alone[:, 0], outputs[:, row], atol=1e-6)
        for one, other in zip(alone_last, last, strict=True):
            np.testing.assert_allclose(one[0], other[row], atol=1e-6)
