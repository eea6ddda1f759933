"""Back-propagation through time, by hand: a sequence forward, and its gradients back.

The loop over time is unrolled in the graph, and gradients of weights are one product over all
steps. Truncation lies with the caller: nothing goes back beyond the state that he gives.

Source: Dive into Deep Learning, section 6.6; Werbos (1990), "Backpropagation through time: what
it does and how to do it".
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from modules.cells import Cell, State, Steps, Weights

# The batch is read in two halves, which do not depend on each other: while one waits for its next
# small product, the other keeps the second core busy.
_CHAINS = 2

# By step, what there is of a chain: [B / _CHAINS, ...] each.
_Chain = Sequence[Sequence[tf.Tensor]]


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
    """Reads a sequence: [T, B, G * H], T and B known when the graph is made."""
    sizes = _chain_sizes(projected)
    chains = [
        _read(cell, steps, first, weights)
        for steps, first in zip(_cut([projected], sizes), _split(state, sizes), strict=True)
    ]
    after, saved = (_join(parts) for parts in zip(*chains, strict=True))
    before = [
        tf.concat([first[None], rest[:-1]], axis=0)
        for first, rest in zip(state, after, strict=True)
    ]
    return Steps(before, after, saved)


def _read(cell: Cell, steps: _Chain, state: State, weights: Weights) -> tuple[_Chain, _Chain]:
    """The states after each step, and what is saved of it."""
    after, saved = [], []
    for (projected,) in steps:
        state, kept = cell.forward(projected, state, weights)
        after.append(state)
        saved.append(kept)
    return after, saved


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
    sizes, transposed = _chain_sizes(d_hiddens), _transposed(weights[0])
    along = _cut([d_hiddens, *cell.factors(steps)], sizes)
    chains = [
        _go_back(cell, steps, last, transposed)
        for steps, last in zip(along, _split(d_state, sizes), strict=True)
    ]
    d_first, d_steps = zip(*chains, strict=True)
    all_d_hiddens, all_d_gates = _join(d_steps)
    d_projected, d_weights = cell.gradients(all_d_hiddens, all_d_gates, steps, weights)
    d_before = [tf.concat(parts, axis=0) for parts in zip(*d_first, strict=True)]
    return Gradients(d_projected, d_before, d_weights, all_d_hiddens)


def _go_back(
    cell: Cell, steps: _Chain, d_state: State, transposed: tf.Tensor
) -> tuple[State, _Chain]:
    """dL/d(state before the first step); dL/dh and dL/d(gates) of each."""
    gradients = []
    for d_hidden, *factors in reversed(steps):
        d_state = [d_state[0] + d_hidden, *d_state[1:]]
        d_before, d_gates = cell.backward(d_state, factors, transposed)
        gradients.append([d_state[0], d_gates])
        d_state = d_before
    return d_state, gradients[::-1]


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


def _chain_sizes(sequence: tf.Tensor) -> list[int]:
    """How many sequences each chain has of [T, B, ...]."""
    batch_size = sequence.shape[1]
    sizes = [(batch_size + chain) // _CHAINS for chain in range(_CHAINS)]
    return [size for size in sizes if size]


def _split(state: State, sizes: list[int]) -> list[State]:
    """By chain."""
    return [list(parts) for parts in zip(*(tf.split(part, sizes) for part in state), strict=True)]


def _cut(tensors: Sequence[tf.Tensor], sizes: list[int]) -> list[_Chain]:
    """Tensors [T, B, ...] to chains. Nothing is copied: a chain's rows of a step lie together."""
    num_steps = tensors[0].shape[0]
    rows = [tf.reshape(tensor, [-1, *tensor.shape[2:]]) for tensor in tensors]  # [T * B, ...]
    pieces = list(zip(*(tf.split(part, sizes * num_steps) for part in rows), strict=True))
    return [pieces[chain :: len(sizes)] for chain in range(len(sizes))]


def _join(chains: Sequence[_Chain]) -> list[tf.Tensor]:
    """Chains to tensors [T, B, ...], each copied once."""
    pieces = [piece for step in zip(*chains, strict=True) for piece in step]
    rows = [tf.concat(parts, axis=0) for parts in zip(*pieces, strict=True)]  # [T * B, ...]
    return [tf.reshape(part, [len(chains[0]), -1, *part.shape[1:]]) for part in rows]
