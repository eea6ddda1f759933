import numpy as np
import pytest
import tensorflow as tf
from recurrence import normal

from modules.network.cells import Gru, GruResetBefore, Linear, Lstm, Rnn, Steps, multiply

UNITS = 3
CELLS = {
    "rnn": (Rnn(), 1, []),
    "linear": (Linear(), 1, []),
    "gru": (Gru(), 3, [(3 * UNITS,)]),
    "gru, reset before": (GruResetBefore(), 3, []),
    "lstm": (Lstm(), 4, []),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_the_book(kind, x, state, weights):
    """Sections 6.4, 6.7 and 6.8, gate by gate, in float64."""
    h, U, *bias = (np.asarray(part, np.float64) for part in (state[0], *weights))
    x = np.asarray(x, np.float64)
    if kind in ("rnn", "linear"):
        return [{"rnn": np.tanh, "linear": np.asarray}[kind](x + h @ U)]
    gates = np.split(x, len(x.T) // UNITS, axis=1)
    U = np.split(U, len(U.T) // UNITS, axis=1)
    if kind == "lstm":
        i, f, g, o = (gate + h @ kernel for gate, kernel in zip(gates, U, strict=True))
        c = sigmoid(f) * np.asarray(state[1], np.float64) + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    b = np.split(bias[0], 3) if bias else [0, 0, 0]
    z = sigmoid(gates[0] + h @ U[0] + b[0])
    r = sigmoid(gates[1] + h @ U[1] + b[1])
    product = r * (h @ U[2] + b[2]) if bias else (r * h) @ U[2]
    return [z * h + (1 - z) * np.tanh(gates[2] + product)]


def step_of(kind, batch_size=2):
    cell, gates, biases = CELLS[kind]
    projected = normal(batch_size, gates * UNITS, seed=1)
    state = [normal(batch_size, UNITS, seed=2 + i) for i in range(2 if kind == "lstm" else 1)]
    weights = [normal(UNITS, gates * UNITS, seed=4), *(normal(*shape, seed=5) for shape in biases)]
    return cell, projected, state, weights


@pytest.mark.parametrize("kind", CELLS)
def test_a_step_is_the_book_s(kind):
    cell, projected, state, weights = step_of(kind)
    after, _ = cell.forward(projected, state, weights)
    expected = by_the_book(kind, projected, state, weights)
    for one, other in zip(after, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_a_step_back_is_the_tape_s(kind, batch_size):
    cell, projected, state, weights = step_of(kind, batch_size)
    d_after = [normal(batch_size, UNITS, seed=6 + i) for i in range(len(state))]
    with tf.GradientTape() as tape:
        tape.watch([projected, state, weights])
        after, saved = cell.forward(projected, state, weights)
        loss = tf.add_n([tf.reduce_sum(a * d) for a, d in zip(after, d_after, strict=True)])
    expected = tf.nest.flatten(tape.gradient(loss, [projected, state, weights]))

    steps = Steps(*([part[None] for part in parts] for parts in (state, after, saved)))
    factors = [part[0] for part in cell.factors(steps)]
    d_before, d_gates = cell.backward(d_after, factors, tf.transpose(weights[0]))
    d_projected, d_weights = cell.gradients(d_after[0][None], d_gates[None], steps, weights)
    if kind == "lstm":  # what comes by way of c is in d_gates alone
        np.testing.assert_allclose(d_projected[0], d_gates)
    actual = [d_projected[0], *d_before, *d_weights]
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_product_has_the_precision_of_its_weights():
    a, b = tf.constant([[1.0009766, 2]]), tf.constant([[1.0], [0]])
    assert multiply(a, b).numpy() == [[np.float32(1.0009766)]]
    rounded = multiply(a, tf.cast(b, tf.bfloat16))
    assert rounded.dtype == tf.float32
    assert rounded.numpy() == [[1]]
