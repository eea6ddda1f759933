"""The recurrent cells: one step forward, and one step back, derived by hand.

A cell is given the product of its inputs with the input weights ready made (`projected`, the
input bias included), so that all steps of a sequence share one product. Gates lie side by side
in the order of Keras's layers, whose weights these are.

On the way back, most of what a gradient is multiplied with is known once the sequence has been
read: it is computed for all steps together (`factors`), and what is left of a step is little
more than its product with the recurrent weights.

Shapes: T steps, B sequences in the batch, H hidden units, G gates; all float32.

Source: Dive into Deep Learning, sections 6.4, 6.7 and 6.8; section 6.6 for the derivatives.
"""

from typing import NamedTuple, Protocol

import tensorflow as tf

# [B, H] each: h, and c for an LSTM.
State = list[tf.Tensor]
# What multiplies the state: [H, G * H], in the precision of the products; for some a bias, [G * H].
Weights = list[tf.Tensor]


class Steps(NamedTuple):
    """What a cell went through in T steps.

    Attributes:
        before: the state that each step started from, [T, B, H] each.
        after: the state that it ended with, alike.
        saved: what `forward` returned beside that, [T, B, ...] each.
    """

    before: State
    after: State
    saved: list[tf.Tensor]


class Cell(Protocol):
    """A kind of cell."""

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """A step: [B, G * H] and a state to the next state, and what has to be saved."""

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """What the gradients are multiplied with on their way back, [T, B, ...] each."""

    def backward(
        self, d_state: State, factors: list[tf.Tensor], transposed: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """A step back: dL/d(state after) to dL/d(state before) and dL/d(gates), [B, G * H].

        `transposed` is what multiplied the state, the other way round: [G * H, H].
        """

    def gradients(
        self, d_hiddens: tf.Tensor, d_gates: tf.Tensor, steps: Steps, weights: Weights
    ) -> tuple[tf.Tensor, Weights]:
        """For all steps: dL/dh [T, B, H] and dL/d(gates) to those of `projected` and weights."""


def multiply(a: tf.Tensor, b: tf.Tensor, **transposed: bool) -> tf.Tensor:
    """The matrix product in the precision of `b`, as float32."""
    return tf.cast(tf.matmul(tf.cast(a, b.dtype), b, **transposed), tf.float32)


class Rnn:
    """h' = tanh(x + h U)."""

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """See Cell."""
        return [tf.tanh(projected + multiply(state[0], weights[0]))], []

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """See Cell."""
        return [1 - tf.square(steps.after[0])]

    def backward(
        self, d_state: State, factors: list[tf.Tensor], transposed: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """See Cell."""
        d_gates = d_state[0] * factors[0]
        return [multiply(d_gates, transposed)], d_gates

    def gradients(
        self, d_hiddens: tf.Tensor, d_gates: tf.Tensor, steps: Steps, weights: Weights
    ) -> tuple[tf.Tensor, Weights]:
        """See Cell."""
        return d_gates, [_outer(steps.before[0], d_gates, weights[0])]


class Linear(Rnn):
    """h' = x + h U: the network of section 6.6, whose gradients have a closed form."""

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """See Cell."""
        return [projected + multiply(state[0], weights[0])], []

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """See Cell."""
        return [tf.ones_like(steps.after[0])]


class Gru:
    """The GRU that resets after the product, as cuDNN and PyTorch have it; gates z, r, n.

    z, r = sigmoid(x + h U + b), n = tanh(x + r * (h U + b)), h' = z * h + (1 - z) * n
    """

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """See Cell."""
        (hidden,) = state
        kernel, bias = weights
        units = hidden.shape[-1]
        x_zr, x_n = tf.split(projected, [2 * units, units], axis=1)
        # TensorFlow would make one operation of a product and a bias, which takes twice as long for
        # a single row.
        h_zr, h_n = tf.split(multiply(hidden, kernel), [2 * units, units], axis=1)
        b_zr, b_n = tf.split(bias, [2 * units, units])
        h_zr, h_n = h_zr + b_zr, h_n + b_n
        gates = tf.sigmoid(x_zr + h_zr)
        z, r = tf.split(gates, 2, axis=1)
        n = tf.tanh(x_n + r * h_n)
        return [n + z * (hidden - n)], [gates, n, h_n]

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """See Cell."""
        gates, n, h_n = steps.saved
        z, r = tf.split(gates, 2, axis=-1)  # [T, B, H] each
        to_n = self._to_candidate(steps)
        to_gates = [
            (steps.before[0] - n) * z * (1 - z),
            to_n * h_n * r * (1 - r),
            to_n * r,
        ]
        return [z, tf.stack(to_gates, axis=2)]  # [T, B, H], [T, B, 3, H]

    def backward(
        self, d_state: State, factors: list[tf.Tensor], transposed: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """See Cell."""
        (d_hidden,) = d_state
        z, to_gates = factors
        d_gates = d_hidden[:, None] * to_gates  # [B, 3, H]
        d_gates = tf.reshape(d_gates, [-1, 3 * d_hidden.shape[-1]])
        return [d_hidden * z + multiply(d_gates, transposed)], d_gates

    def gradients(
        self, d_hiddens: tf.Tensor, d_gates: tf.Tensor, steps: Steps, weights: Weights
    ) -> tuple[tf.Tensor, Weights]:
        """See Cell."""
        # The input is not multiplied with r, as the product with the state is.
        d_candidate = d_hiddens * self._to_candidate(steps)
        units = d_hiddens.shape[-1]
        d_projected = tf.concat([d_gates[..., : 2 * units], d_candidate], axis=-1)
        d_kernel = _outer(steps.before[0], d_gates, weights[0])
        return d_projected, [d_kernel, tf.reduce_sum(d_gates, axis=[0, 1])]

    def _to_candidate(self, steps: Steps) -> tf.Tensor:
        gates, n, _ = steps.saved
        z = gates[..., : n.shape[-1]]
        return (1 - z) * (1 - tf.square(n))


class GruResetBefore:
    """The GRU that resets before the product, as the book has it; gates z, r, n.

    z, r = sigmoid(x + h U), n = tanh(x + (r * h) U), h' = z * h + (1 - z) * n
    """

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """See Cell."""
        (hidden,) = state
        units = hidden.shape[-1]
        kernel_zr, kernel_n = tf.split(weights[0], [2 * units, units], axis=1)
        x_zr, x_n = tf.split(projected, [2 * units, units], axis=1)
        gates = tf.sigmoid(x_zr + multiply(hidden, kernel_zr))
        z, r = tf.split(gates, 2, axis=1)
        n = tf.tanh(x_n + multiply(r * hidden, kernel_n))
        return [n + z * (hidden - n)], [gates, n]

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """See Cell."""
        hidden = steps.before[0]
        gates, n = steps.saved
        z, r = tf.split(gates, 2, axis=-1)  # [T, B, H] each
        to_z = (hidden - n) * z * (1 - z)
        return [z, r, to_z, hidden * r * (1 - r), (1 - z) * (1 - tf.square(n))]

    def backward(
        self, d_state: State, factors: list[tf.Tensor], transposed: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """See Cell."""
        (d_hidden,) = d_state
        z, r, to_z, to_r, to_n = factors
        units = d_hidden.shape[-1]
        from_zr, from_n = tf.split(transposed, [2 * units, units])
        d_n = d_hidden * to_n
        d_reset = multiply(d_n, from_n)  # of r * h
        d_zr = tf.concat([d_hidden * to_z, d_reset * to_r], axis=1)
        d_before = d_hidden * z + d_reset * r + multiply(d_zr, from_zr)
        return [d_before], tf.concat([d_zr, d_n], axis=1)

    def gradients(
        self, d_hiddens: tf.Tensor, d_gates: tf.Tensor, steps: Steps, weights: Weights
    ) -> tuple[tf.Tensor, Weights]:
        """See Cell."""
        hidden, units = steps.before[0], d_hiddens.shape[-1]
        d_zr, d_n = tf.split(d_gates, [2 * units, units], axis=-1)
        reset = steps.saved[0][..., units:] * hidden
        products = [_outer(hidden, d_zr, weights[0]), _outer(reset, d_n, weights[0])]
        return d_gates, [tf.concat(products, axis=1)]


class Lstm:
    """i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of x + h U; c' = f c + i g, h' = o tanh(c')."""

    def forward(
        self, projected: tf.Tensor, state: State, weights: Weights
    ) -> tuple[State, list[tf.Tensor]]:
        """See Cell."""
        hidden, cell = state
        units = hidden.shape[-1]
        gates = projected + multiply(hidden, weights[0])
        gates_if, gate_g, gate_o = tf.split(gates, [2 * units, units, units], axis=1)
        i, f = tf.split(tf.sigmoid(gates_if), 2, axis=1)
        g, o = tf.tanh(gate_g), tf.sigmoid(gate_o)
        cell = f * cell + i * g
        squashed = tf.tanh(cell)
        return [o * squashed, cell], [i, f, g, o, squashed]

    def factors(self, steps: Steps) -> list[tf.Tensor]:
        """See Cell."""
        i, f, g, o, squashed = steps.saved
        to_gates = [
            g * i * (1 - i),
            steps.before[1] * f * (1 - f),
            i * (1 - tf.square(g)),
            squashed * o * (1 - o),
        ]
        return [f, o * (1 - tf.square(squashed)), tf.concat(to_gates, axis=-1)]

    def backward(
        self, d_state: State, factors: list[tf.Tensor], transposed: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """See Cell."""
        d_hidden, d_cell = d_state
        f, to_cell, to_gates = factors
        d_cell += d_hidden * to_cell
        d_gates = tf.concat([d_cell, d_cell, d_cell, d_hidden], axis=1) * to_gates
        return [multiply(d_gates, transposed), d_cell * f], d_gates

    def gradients(
        self, d_hiddens: tf.Tensor, d_gates: tf.Tensor, steps: Steps, weights: Weights
    ) -> tuple[tf.Tensor, Weights]:
        """See Cell."""
        return d_gates, [_outer(steps.before[0], d_gates, weights[0])]


def _outer(states: tf.Tensor, d_gates: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """dL/d(kernel), one product over all steps: [T, B, H] and [T, B, N] to [H, N]."""
    states = tf.reshape(states, [-1, states.shape[-1]])  # [T * B, H]
    d_gates = tf.reshape(d_gates, [-1, d_gates.shape[-1]])  # [T * B, N]
    return multiply(states, tf.cast(d_gates, kernel.dtype), transpose_a=True)
