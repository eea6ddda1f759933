"""Back-propagation through time, by hand: a sequence forward, and its gradients back.

The loop over time is unrolled in the graph, and gradients of weights are one product over all
steps. Truncation lies with the caller: nothing goes back beyond the state that he gives.

Source: Dive into Deep Learning, section 6.6; Werbos (1990), "Backpropagation through time: what
it does and how to do it".
"""

from typing import NamedTuple

import tensorflow as tf

from modules.network.cells import Cell, State, Steps, Weights


class Gradients(NamedTuple):
    """What goes back from a sequence.

    Attributes:
        projected: dL/d(projected), [T, B, G * H].
        state: dL/d(state before the first step).
        weights: dL/d(weights).
        hiddens: dL/dh_t for every step t, [T, B, H]: all ways from h_t to the loss together.
    """

    projected: tf.Tensor
    state: State
    weights: Weights
    hiddens: tf.Tensor


def forward(cell: Cell, projected: tf.Tensor, state: State, weights: Weights) -> Steps:
    """Reads a sequence: [T, B, G * H], T known when the graph is made."""
    states, saved = [state], []
    for step in tf.unstack(projected):
        state, kept = cell.forward(step, state, weights)
        states.append(state)
        saved.append(kept)
    after = _stacked(states[1:])
    before = [
        tf.concat([first[None], rest[:-1]], axis=0)
        for first, rest in zip(states[0], after, strict=True)
    ]
    return Steps(before, after, _stacked(saved))


def backward(
    cell: Cell, steps: Steps, weights: Weights, d_hiddens: tf.Tensor, d_state: State
) -> Gradients:
    """Goes back through what `forward` read.

    Args:
        cell: what read it.
        steps: what `forward` returned.
        weights: what it was given.
        d_hiddens: dL/dh_t by ways that do not pass through h_{t+1}, [T, B, H].
        d_state: dL/d(last state) by ways other than these.
    """
    transposed = _transposed(weights[0])
    factors = zip(*map(tf.unstack, cell.factors(steps)), strict=True)
    all_d_hiddens, all_d_gates = [], []
    for d_hidden, step_factors in reversed(list(zip(tf.unstack(d_hiddens), factors, strict=True))):
        d_state = [d_state[0] + d_hidden, *d_state[1:]]
        all_d_hiddens.append(d_state[0])
        d_state, d_gates = cell.backward(d_state, list(step_factors), transposed)
        all_d_gates.append(d_gates)
    hiddens, gates = (tf.stack(steps[::-1]) for steps in (all_d_hiddens, all_d_gates))
    d_projected, d_weights = cell.gradients(hiddens, gates, steps, weights)
    return Gradients(d_projected, d_state, d_weights, hiddens)


def unroll(
    cell: Cell,
    projected: tf.Tensor,
    state: State,
    weights: Weights,
    dtype: tf.DType = tf.float32,
) -> tuple[tf.Tensor, State]:
    """Reads a sequence; a gradient taken of the result goes back by `backward`.

    Args:
        cell: what reads it.
        projected: float32[T, B, G * H].
        state: float32[B, H] each.
        weights: float32[H, G * H], and what else the cell has.
        dtype: the precision of the products with `weights`.

    Returns:
        h of every step, float32[T, B, H], and the last state.
    """
    num_states = len(state)

    @tf.custom_gradient
    def read(projected, *state_and_weights):
        state = list(state_and_weights[:num_states])
        kernel, *biases = state_and_weights[num_states:]
        cast = [tf.cast(kernel, dtype), *biases]
        steps = forward(cell, projected, state, cast)

        def gradient(d_outputs, *d_state):
            gradients = backward(cell, steps, cast, d_outputs, list(d_state))
            return gradients.projected, *gradients.state, *gradients.weights

        return (steps.after[0], *(part[-1] for part in steps.after)), gradient

    outputs, *last = read(projected, *state, *weights)
    return outputs, last


def _transposed(kernel: tf.Tensor) -> tf.Tensor:
    """[H, G * H] to [G * H, H].

    Gate by gate, for a plain transposition TensorFlow would make part of each step's product. In
    float32 an LSTM's would then take, on some processors, four times as long.
    """
    units = kernel.shape[0]
    gates = tf.reshape(kernel, [units, -1, units])
    return tf.reshape(tf.transpose(gates, [1, 2, 0]), [-1, units])


def _stacked(steps: list[list[tf.Tensor]]) -> list[tf.Tensor]:
    """Steps of tensors to tensors of steps."""
    return [tf.stack(parts) for parts in zip(*steps, strict=True)]
