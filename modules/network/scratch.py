"""The recurrent layers from scratch: every gate and every step written out.

Source: Dive into Deep Learning, sections 6.4, 6.7 and 6.8. The equations are those of Keras's
layers, with a matrix for each gate instead of one for all; the tape finds the gradients.
"""

import keras
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.cells import State
from modules.network.recurrent import read

_STANDARD_DEVIATION = 0.01  # of the initial weights, the book's

_GATES = {"rnn": ("h",), "gru": ("z", "r", "n"), "lstm": ("i", "f", "c", "o")}


def parameter(*shape: int) -> keras.Variable:
    """N(0, 0.01^2) for a matrix, zeros for a vector, as in the book."""
    if len(shape) == 1:
        return keras.Variable("zeros", shape=shape, name="bias")
    initializer = keras.initializers.RandomNormal(stddev=_STANDARD_DEVIATION)
    return keras.Variable(initializer, shape=shape, name="kernel")


class ScratchLayer(tf.Module):
    """An RNN, GRU or LSTM with the interface of `recurrent.RecurrentLayer`.

    Args:
        hyperparameters: the cell and its units.
        input_size: length of an input vector.
    """

    def __init__(self, hyperparameters: Hyperparameters, input_size: int) -> None:
        super().__init__()
        units = hyperparameters.num_hiddens
        self._input_size = input_size
        self._step = getattr(self, f"_{hyperparameters.cell}")
        self._reset_after = hyperparameters.reset_after
        gates = _GATES[hyperparameters.cell]
        self._input_weights = {gate: parameter(input_size, units) for gate in gates}
        self._hidden_weights = {gate: parameter(units, units) for gate in gates}
        self._biases = {gate: parameter(units) for gate in gates}
        self._candidate_bias = parameter(units)  # of the GRU that resets after its product

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes: of all gates the inputs' weights, the state's, the biases."""
        gates = (*self._input_weights.values(), *self._hidden_weights.values())
        biases = [*self._biases.values()]
        if self._step == self._gru and self._reset_after:
            biases.append(self._candidate_bias)
        return [*gates, *biases]

    def __call__(
        self, inputs: tf.Tensor, state: State, training: bool = False
    ) -> tuple[tf.Tensor, State]:
        """Reads sequences: see `RecurrentLayer`."""
        if training and inputs.shape[0]:
            outputs = []
            for step_inputs in tf.unstack(inputs):
                output, state = self.step(step_inputs, state)
                outputs.append(output)
            return tf.stack(outputs), state

        return read(lambda x, state: self.step(x, state)[1], inputs, state)

    def step(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Reads one step: see `RecurrentLayer`."""
        if inputs.dtype.is_integer:
            inputs = tf.one_hot(inputs, self._input_size)
        state = self._step(inputs, *state)
        return state[0], state

    def _sum(self, gate: str, inputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        from_inputs = tf.matmul(inputs, self._input_weights[gate].value)
        from_hidden = tf.matmul(hidden, self._hidden_weights[gate].value)
        return from_inputs + from_hidden + self._biases[gate].value

    def _rnn(self, inputs: tf.Tensor, hidden: tf.Tensor) -> State:
        return [tf.tanh(self._sum("h", inputs, hidden))]

    def _gru(self, inputs: tf.Tensor, hidden: tf.Tensor) -> State:
        z = tf.sigmoid(self._sum("z", inputs, hidden))
        r = tf.sigmoid(self._sum("r", inputs, hidden))
        if self._reset_after:
            from_hidden = tf.matmul(hidden, self._hidden_weights["n"].value)
            from_hidden = r * (from_hidden + self._candidate_bias.value)
            from_inputs = tf.matmul(inputs, self._input_weights["n"].value)
            candidate = tf.tanh(from_inputs + self._biases["n"].value + from_hidden)
        else:
            candidate = tf.tanh(self._sum("n", inputs, r * hidden))
        return [z * hidden + (1 - z) * candidate]

    def _lstm(self, inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor) -> State:
        i = tf.sigmoid(self._sum("i", inputs, hidden))
        f = tf.sigmoid(self._sum("f", inputs, hidden))
        o = tf.sigmoid(self._sum("o", inputs, hidden))
        cell = f * cell + i * tf.tanh(self._sum("c", inputs, hidden))
        return [o * tf.tanh(cell), cell]
