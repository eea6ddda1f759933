"""The language model: embedding, recurrent layers, one product to the logits.

Source: Dive into Deep Learning, sections 6.4 to 6.9. The embedding is the book's product
with a one-hot vector, without the vector.
"""

import keras
import numpy as np
import tensorflow as tf

from modules.hyperparameters import Hyperparameters

# One list of tensors float32[batch_size, num_hiddens] a layer: h, and c for an LSTM.
State = list[list[tf.Tensor]]

_LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


class LanguageModel(tf.Module):
    """Maps characters and a state to logits for the next characters and the next state.

    The state goes in and comes out; the model keeps none, so requests cannot leak into one
    another. (A module of Keras layers rather than a Keras model, which insists on saving a
    signature without a state.)

    Args:
        vocab_size: entries of the vocabulary, `<unk>` included.
        hyperparameters: the cell and the sizes.
    """

    def __init__(self, vocab_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        sizes = hyperparameters
        self.vocab_size = vocab_size
        self._num_hiddens = sizes.num_hiddens
        self._states_per_layer = 2 if sizes.cell == "lstm" else 1
        self._embedding = keras.layers.Embedding(vocab_size, sizes.embedding_size)
        self._recurrent = [
            _LAYERS[sizes.cell](sizes.num_hiddens, return_sequences=True, return_state=True)
            for _ in range(sizes.num_layers)
        ]
        self._dropout = sizes.dropout
        self._seeds = keras.random.SeedGenerator(sizes.seed)
        self._logits = keras.layers.Dense(vocab_size)
        self(tf.zeros([1, 1], tf.int64), self.initial_state(1))  # builds the weights

    def initial_state(self, batch_size: int | tf.Tensor) -> State:
        """The state before any character: zeros."""
        zeros = tf.zeros([batch_size, self._num_hiddens])
        return [[zeros] * self._states_per_layer for _ in self._recurrent]

    def reseed(self, seed: int, epoch: int) -> None:
        """Makes the dropout of an epoch depend on nothing before it."""
        state = np.random.SeedSequence([seed, epoch]).generate_state(2)
        self._seeds.state.assign(state)

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""
        layers = (self._embedding, *self._recurrent, self._logits)
        return [weight for layer in layers for weight in layer.trainable_weights]

    def __call__(
        self, inputs: tf.Tensor, state: State, training: bool = False
    ) -> tuple[tf.Tensor, State]:
        """Reads sequences.

        Args:
            inputs: int64[batch_size, num_steps].
            state: as `initial_state` or an earlier call returned it.
            training: whether dropout is on.

        Returns:
            logits float32[batch_size, num_steps, vocab_size], and the state after the last step.
        """
        outputs = self._embedding(inputs)  # [batch_size, num_steps, embedding_size]
        next_state = []
        for layer, layer_state in zip(self._recurrent, state, strict=True):
            outputs = self._drop(outputs, training)
            outputs, *layer_state = layer(outputs, initial_state=layer_state)
            next_state.append(layer_state)  # outputs: [batch_size, num_steps, num_hiddens]
        outputs = self._drop(outputs, training)
        return self._logits(outputs), next_state

    def _drop(self, outputs: tf.Tensor, training: bool) -> tf.Tensor:
        if not (training and self._dropout):
            return outputs
        return keras.random.dropout(outputs, self._dropout, seed=self._seeds)

    def step(self, inputs: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Reads one character of each sequence: int64[batch_size] to [batch_size, vocab_size]."""
        outputs = self._embedding(inputs)  # [batch_size, embedding_size]
        next_state = []
        for layer, layer_state in zip(self._recurrent, state, strict=True):
            outputs, layer_state = layer.cell(outputs, layer_state)
            next_state.append(list(layer_state))
        return self._logits(outputs), next_state
