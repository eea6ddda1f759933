"""How much of a gradient is left far back in time, by cell and by the recurrent weights' gain.

Networks with weights as they are before training read random characters. The loss is of the last
step's character alone, so that dL/dh_t tells how much one step learns of another T - t steps on.

Source: Dive into Deep Learning, section 6.6, and 6.4.5 for clipping.
"""

from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from modules.errors import TrainingError
from modules.network import bptt
from modules.network.cells import Cell, Gru, Linear, Lstm, Rnn, State, Steps, Weights
from modules.network.loss import cross_entropy

_BATCH_SIZE = 16  # sequences
_VOCAB_SIZE = 32

# Each with its gates.
_CELLS: dict[str, tuple[Cell, int]] = {
    "linear": (Linear(), 1),
    "rnn": (Rnn(), 1),
    "gru": (Gru(), 3),
    "lstm": (Lstm(), 4),
}
CELLS = tuple(_CELLS)


@dataclass(frozen=True)
class Curve:
    """The gradients that went back through one network.

    Attributes:
        cell: its kind.
        gain: spectral radius of the recurrent weights, of each gate's.
        gradient_norm: of the gradients of all weights together, before clipping.
        norms: of dL/dh_t for t = 1 to T, over all sequences; with an LSTM's c_t held fixed.
        clipped_norms: the same once the gradients are clipped, as training would have them.
    """

    cell: str
    gain: float
    gradient_norm: float
    norms: list[float]
    clipped_norms: list[float]


@dataclass(frozen=True)
class Survey:
    """The gradients of several networks.

    Attributes:
        num_steps: T.
        num_hiddens: units of each network.
        clip_norm: the global norm that gradients are clipped to.
        seed: of the weights and the characters.
        gains: spectral radii of the recurrent weights.
        closed_form_errors: how far the linear network's gradients are from section 6.6's closed
            form, relatively, for each gain.
        curves: of each gain and each cell.
    """

    num_steps: int
    num_hiddens: int
    clip_norm: float
    seed: int
    gains: tuple[float, ...]
    closed_form_errors: list[float]
    curves: list[Curve]


class _Network(NamedTuple):
    """A network and what it reads: T steps, B sequences, V characters, H units, G gates."""

    cell: Cell
    inputs: tf.Tensor  # int64[T, B]
    targets: tf.Tensor  # int64[T, B]
    input_weights: tf.Tensor  # [V, G * H]
    input_bias: tf.Tensor  # [G * H]
    weights: Weights
    output_weights: tf.Tensor  # [H, V]

    def read(self) -> Steps:
        batch_size, num_hiddens = self.inputs.shape[1], self.output_weights.shape[0]
        num_states = 2 if isinstance(self.cell, Lstm) else 1
        state: State = [tf.zeros([batch_size, num_hiddens])] * num_states
        projected = tf.gather(self.input_weights, self.inputs) + self.input_bias
        return bptt.forward(self.cell, projected, state, self.weights)

    def d_outputs(self, hiddens: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """dL/do for [..., H] and the characters to predict, [..., V]; L is their mean loss."""
        logits = tf.reshape(hiddens @ self.output_weights, [-1, _VOCAB_SIZE])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss, _ = cross_entropy(logits, tf.reshape(targets, [-1]))
        return tf.reshape(tape.gradient(loss, logits), [*targets.shape, _VOCAB_SIZE])

    def backward(self, steps: Steps, d_outputs: tf.Tensor) -> bptt.Gradients:
        """From dL/do of every step, [T, B, V]."""
        d_hiddens = tf.matmul(d_outputs, self.output_weights, transpose_b=True)  # [T, B, H]
        d_state = [tf.zeros_like(part[0]) for part in steps.after]
        return bptt.backward(self.cell, steps, self.weights, d_hiddens, d_state)


def survey(
    gains: tuple[float, ...], num_steps: int, num_hiddens: int, clip_norm: float, seed: int
) -> Survey:
    """Measures all cells with all gains: see `measure` and `closed_form_error`."""
    errors = [closed_form_error(gain, num_steps, num_hiddens, seed) for gain in gains]
    curves = [
        measure(cell, gain, num_steps, num_hiddens, clip_norm, seed)
        for gain in gains
        for cell in CELLS
    ]
    return Survey(num_steps, num_hiddens, clip_norm, seed, gains, errors, curves)


def measure(
    cell: str, gain: float, num_steps: int, num_hiddens: int, clip_norm: float, seed: int
) -> Curve:
    """Measures dL/dh_t of every step, L being the loss of the last character.

    Args:
        cell: one of CELLS.
        gain: spectral radius of each gate's recurrent weights, which are orthogonal but for it.
        num_steps: T.
        num_hiddens: H.
        clip_norm: theta; clipping scales all gradients by min(1, theta / their global norm).
        seed: of the weights and the characters.

    Raises:
        TrainingError: if the gradients are too large for float32.
    """
    network = _make(cell, gain, num_steps, num_hiddens, seed)
    steps = network.read()
    d_last = network.d_outputs(steps.after[0][-1], network.targets[-1])  # [B, V]
    before_last = tf.zeros([num_steps - 1, *d_last.shape])
    d_outputs = tf.concat([before_last, d_last[None]], axis=0)
    gradients = network.backward(steps, d_outputs)
    rows = tf.reshape(gradients.projected, [-1, network.input_bias.shape[0]])  # [T * B, G * H]
    inputs = tf.reshape(network.inputs, [-1])
    of_weights = [
        tf.math.unsorted_segment_sum(rows, inputs, _VOCAB_SIZE),  # of the input weights
        tf.reduce_sum(rows, axis=0),  # of the input bias
        *gradients.weights,
        tf.matmul(steps.after[0][-1], d_last, transpose_a=True),  # of the output weights
        tf.reduce_sum(d_last, axis=0),  # of the output bias
    ]
    gradient_norm = _norm(*of_weights)
    norms = [_norm(step) for step in gradients.hiddens]
    if not np.isfinite([gradient_norm, *norms]).all():
        raise TrainingError(
            f"the gradients of {cell} with {{gain}} exceed float32 within {{num_steps}}: give "
            "fewer steps or a smaller gain",
            {"gain": gain, "num_steps": num_steps},
        )
    factor = min(1.0, clip_norm / gradient_norm)
    return Curve(cell, gain, gradient_norm, norms, [norm * factor for norm in norms])


def closed_form_error(gain: float, num_steps: int, num_hiddens: int, seed: int) -> float:
    """How far hand-written back-propagation is from section 6.6's sum, on the linear network.

    The loss is of every step's character here: dL/dh_t is the sum over i from t to T of
    (W_hh^T)^(T-i) W_qh^T dL/do_(T+t-i).

    Returns:
        The largest of all steps' relative errors, by the norm.
    """
    network = _make("linear", gain, num_steps, num_hiddens, seed)
    steps = network.read()
    d_outputs = network.d_outputs(steps.after[0], network.targets)  # [T, B, V]
    hiddens = network.backward(steps, d_outputs).hiddens
    expected = closed_form(network.weights[0], network.output_weights, d_outputs)
    errors = np.linalg.norm(hiddens - expected, axis=(1, 2))
    return float((errors / np.linalg.norm(expected, axis=(1, 2))).max())


def closed_form(
    recurrent_weights: np.ndarray, output_weights: np.ndarray, d_outputs: np.ndarray
) -> np.ndarray:
    """dL/dh_t of the linear network by section 6.6's sum, in float64.

    Args:
        recurrent_weights: the book's W_hh, transposed, for states are rows here: [H, H].
        output_weights: the book's W_qh, transposed: [H, V].
        d_outputs: dL/do_t of every step, [T, B, V].

    Returns:
        float64[T, B, H].
    """
    w_hh, w_qh, d_o = (
        np.asarray(array, np.float64) for array in (recurrent_weights, output_weights, d_outputs)
    )
    num_steps = len(d_o)
    powers = [w_qh.T]  # of the term i: what dL/do_(T+t-i) is multiplied with, T - i = 0, 1, ...
    for _ in range(num_steps - 1):
        powers.append(powers[-1] @ w_hh.T)
    return np.stack(
        [
            sum(d_o[t + distance] @ powers[distance] for distance in range(num_steps - t))
            for t in range(num_steps)
        ]
    )


def _make(cell: str, gain: float, num_steps: int, num_hiddens: int, seed: int) -> _Network:
    """As Keras's layers begin, but for the gain: orthogonal, Glorot, an LSTM's forget bias 1."""
    kind, num_gates = _CELLS[cell]
    seeds = keras.random.SeedGenerator(seed)
    orthogonal = keras.initializers.Orthogonal(gain, seed=seeds)
    glorot = keras.initializers.GlorotUniform(seed=seeds)
    size = num_gates * num_hiddens
    square, across = (num_hiddens, num_hiddens), (_VOCAB_SIZE, num_hiddens)
    weights = [tf.concat([orthogonal(square) for _ in range(num_gates)], axis=1)]
    if cell == "gru":
        weights.append(tf.zeros([size]))
    forget = tf.one_hot(1, num_gates) if cell == "lstm" else tf.zeros([num_gates])
    characters = np.random.default_rng(seed).integers(
        _VOCAB_SIZE, size=(num_steps + 1, _BATCH_SIZE)
    )
    return _Network(
        kind,
        tf.constant(characters[:-1]),
        tf.constant(characters[1:]),
        tf.concat([glorot(across) for _ in range(num_gates)], axis=1),
        tf.repeat(forget, num_hiddens),
        weights,
        glorot(across[::-1]),
    )


def _norm(*tensors: tf.Tensor) -> float:
    """Of all their elements together, in float64: squares would leave float32's range."""
    return float(np.linalg.norm([np.linalg.norm(np.float64(tensor)) for tensor in tensors]))
