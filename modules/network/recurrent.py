"""A recurrent layer: Keras's weights, read by the hand-written cells.

In training the sequence is unrolled and its gradients are derived by hand (`bptt`), the fastest way
on a CPU. With a GPU it is Keras's layer itself that trains, on cuDNN's kernels.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import keras
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network import bptt
from modules.network.cells import Cell, Gru, GruResetBefore, Lstm, Rnn, State, Weights, multiply

# More steps would make a large graph, slow to build. They are read in a loop, whose gradient
# TensorFlow finds.
_LONGEST_UNROLLED = 128


def read(
    step: Callable[[tf.Tensor, State], State], inputs: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Reads a sequence of any length in a loop.

    Args:
        step: an input, one row for each sequence, and a state to the next state.
        inputs: [T, B, ...].
        state: float32[B, num_hiddens] each.

    Returns:
        h of every step, float32[T, B, num_hiddens], and the last state.
    """
    num_steps = tf.shape(inputs)[0]

    def next_step(index: tf.Tensor, state: State, outputs: tf.TensorArray) -> tuple:
        state = step(inputs[index], state)
        return index + 1, state, outputs.write(index, state[0])

    outputs = tf.TensorArray(tf.float32, num_steps, element_shape=state[0].shape)
    _, state, outputs = tf.while_loop(
        lambda index, *_: index < num_steps, next_step, (tf.constant(0), state, outputs)
    )
    return outputs.stack(), state


class Lookup(NamedTuple):
    """Sequences of vectors that come again and again, as characters do, each held once.

    Attributes:
        vectors: float32[N, input_size].
        places: which of them stands where, int32[T, B].
    """

    vectors: tf.Tensor
    places: tf.Tensor

    @property
    def sequences(self) -> tf.Tensor:
        """The vectors where they stand, float32[T, B, input_size]."""
        return tf.gather(self.vectors, self.places)


# Vectors float32[T, B, input_size], or a Lookup of them; or the indices of one-hot vectors,
# int64[T, B].
Inputs: TypeAlias = tf.Tensor | Lookup


class RecurrentLayer(tf.Module):
    """An RNN, GRU or LSTM.

    Args:
        hyperparameters: the cell, its units and the precision of the products in training.
        input_size: length of an input vector; of a one-hot vector, where inputs are indices.
    """

    def __init__(self, hyperparameters: Hyperparameters, input_size: int) -> None:
        super().__init__()
        options = {"units": hyperparameters.num_hiddens, "return_sequences": True}
        self._cell: Cell
        self._layer: keras.layers.RNN
        if hyperparameters.cell == "rnn":
            self._cell, self._layer = Rnn(), keras.layers.SimpleRNN(**options, return_state=True)
        elif hyperparameters.cell == "lstm":
            self._cell, self._layer = Lstm(), keras.layers.LSTM(**options, return_state=True)
        else:
            reset_after = hyperparameters.reset_after
            self._cell = Gru() if reset_after else GruResetBefore()
            self._layer = keras.layers.GRU(**options, reset_after=reset_after, return_state=True)
        self._layer.build((None, None, input_size))
        self._input_size = input_size
        self._dtype = tf.as_dtype(hyperparameters.precision)
        self._cudnn = bool(tf.config.list_physical_devices("GPU"))

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""
        return self._layer.trainable_weights

    def __call__(
        self, inputs: Inputs, state: State, training: bool = False
    ) -> tuple[tf.Tensor, State]:
        """Reads sequences.

        Args:
            inputs: T steps of B sequences.
            state: float32[B, num_hiddens] each.
            training: whether a gradient will be taken.

        Returns:
            h of every step, float32[T, B, num_hiddens], and the last state.
        """
        if training and self._cudnn:
            return self._read_on_gpu(inputs, state)
        dtype = self._dtype if training else tf.float32
        projected, weights = self._project(inputs, dtype), self._recurrent_weights
        num_steps = projected.shape[0]
        if training and num_steps and num_steps <= _LONGEST_UNROLLED:
            return bptt.unroll(self._cell, projected, state, weights, dtype)
        weights = [tf.cast(weights[0], dtype), *weights[1:]]
        return read(lambda x, state: self._cell.forward(x, state, weights)[0], projected, state)

    def step(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Reads one step: float32[B, input_size] or int64[B] to h, float32[B, num_hiddens]."""
        projected = self._project(inputs, tf.float32)
        state, _ = self._cell.forward(projected, state, self._recurrent_weights)
        return state[0], state

    def _project(self, inputs: Inputs, dtype: tf.DType) -> tf.Tensor:
        """[..., input_size], a Lookup or int64[...] to [..., G * H]."""
        if isinstance(inputs, Lookup):
            return tf.gather(self._project(inputs.vectors, dtype), inputs.places)
        kernel, bias = self._layer.cell.kernel.value, self._layer.cell.bias.value
        if len(bias.shape) == 2:  # the GRU's second is of its product with the state
            bias = bias[0]
        if inputs.dtype.is_integer:
            return tf.gather(kernel, inputs) + bias  # a one-hot vector's product is a row
        rows = tf.reshape(inputs, [-1, self._input_size])
        products = multiply(rows, tf.cast(kernel, dtype)) + bias
        return tf.reshape(products, tf.concat([tf.shape(inputs)[:-1], bias.shape], axis=0))

    @property
    def _recurrent_weights(self) -> Weights:
        cell = self._layer.cell
        kernel = tf.convert_to_tensor(cell.recurrent_kernel.value)
        return [kernel, cell.bias.value[1]] if isinstance(self._cell, Gru) else [kernel]

    def _read_on_gpu(self, inputs: Inputs, state: State) -> tuple[tf.Tensor, State]:
        if isinstance(inputs, Lookup):
            inputs = inputs.sequences
        if inputs.dtype.is_integer:
            inputs = tf.one_hot(inputs, self._input_size)
        inputs = tf.transpose(inputs, [1, 0, 2])  # [B, T, input_size], as Keras has it
        outputs, *state = self._layer(inputs, initial_state=state)
        return tf.transpose(outputs, [1, 0, 2]), state
