"""The language model: embedding, recurrent layers, one product to the logits.

Source: Dive into Deep Learning, sections 6.4 to 6.9. The embedding is the book's product
with a one-hot vector, without the vector.
"""

from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.loss import cross_entropy
from modules.network.stack import Embedding, Output, Stack, States


class Loss(NamedTuple):
    """What came of a minibatch.

    Attributes:
        loss: float32[], what training lowers.
        nats: float32[], negative log-likelihood per predicted character.
        states: after the minibatch.
    """

    loss: tf.Tensor
    nats: tf.Tensor
    states: States


class Model(Protocol):
    """What can be trained."""

    vocab_size: int

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""

    def initial_state(self, batch_size: int | tf.Tensor) -> States:
        """The state before any character."""

    def reseed(self, seed: int, epoch: int) -> None:
        """Makes the dropout of an epoch depend on nothing before it."""

    @property
    def output(self) -> Output:
        """Makes logits of hidden units: [N, num_units] to float32[N, vocab_size]."""

    def read_texts(self, texts: tf.RaggedTensor, line_end: tf.Tensor) -> tf.Tensor:
        """Hidden units that each character is predicted from: int64[B, (n)] to [B, n, num_units].

        They are some hundreds where logits are as many as the vocabulary has characters.
        """

    def loss(self, inputs: tf.Tensor, targets: tf.Tensor, states: States) -> Loss:
        """Reads a minibatch of training windows, int64[batch_size, num_steps] both."""


class Network(tf.Module):
    """What the models have in common: characters' vectors, logits, the seeds of the dropout.

    Args:
        vocab_size: entries of the vocabulary, `<unk>` included.
        hyperparameters: the cell and the sizes.
        num_directions: in which sequences are read: 1, or 2 for back as well.
    """

    def __init__(
        self, vocab_size: int, hyperparameters: Hyperparameters, num_directions: int
    ) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self._label_smoothing = hyperparameters.label_smoothing
        self._seeds = keras.random.SeedGenerator(hyperparameters.seed)
        self._embedding = Embedding(hyperparameters, vocab_size)
        self._stacks = [
            Stack(hyperparameters, self._embedding.output_size, self._seeds)
            for _ in range(num_directions)
        ]
        self._num_units = num_directions * hyperparameters.num_hiddens
        self._output = Output(hyperparameters, self._num_units, self._embedding, vocab_size)

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""
        parts: list[Any] = [self._embedding, *self._stacks, self._output]
        return [weight for part in parts for weight in part.weights]

    def initial_state(self, batch_size: int | tf.Tensor) -> States:
        """The state before any character: zeros."""
        return self._stacks[0].initial_state(batch_size)

    def reseed(self, seed: int, epoch: int) -> None:
        """Makes the dropout of an epoch depend on nothing before it."""
        state = np.random.SeedSequence([seed, epoch]).generate_state(2)
        self._seeds.state.assign(state)

    @property
    def output(self) -> Output:
        """See Model."""
        return self._output

    def _loss(self, hiddens: tf.Tensor, targets: tf.Tensor, states: States) -> Loss:
        """Of [T, B, num_units] and int64[T, B]."""
        rows = tf.reshape(hiddens, [-1, self._num_units])  # [T * B, num_units]
        logits = self._output(rows, training=True)
        targets = tf.reshape(targets, [-1])
        loss, nats = cross_entropy(logits, targets, self._label_smoothing)
        return Loss(loss, nats, states)

    def _logits(self, hiddens: tf.Tensor) -> tf.Tensor:
        """[T, B, num_units] to [B, T, vocab_size]."""
        hiddens = tf.transpose(hiddens, [1, 0, 2])  # the smaller of the two to transpose
        logits = self._output(tf.reshape(hiddens, [-1, self._num_units]))
        return tf.reshape(logits, [*tf.unstack(tf.shape(hiddens)[:2]), self.vocab_size])


class LanguageModel(Network):
    """Maps characters and a state to logits for the next characters and the next state.

    The state goes in and comes out; the model keeps none, so requests cannot leak into one
    another. (A module of Keras layers rather than a Keras model, which insists on saving a
    signature without a state.)

    Args:
        vocab_size: entries of the vocabulary, `<unk>` included.
        hyperparameters: the cell and the sizes.
    """

    def __init__(self, vocab_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__(vocab_size, hyperparameters, num_directions=1)
        (self._stack,) = self._stacks

    def __call__(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """Reads sequences.

        Args:
            inputs: int64[batch_size, num_steps].
            states: as `initial_state` or an earlier call returned them.

        Returns:
            logits float32[batch_size, num_steps, vocab_size], and the states after the last step.
        """
        hiddens, states = self._stack(self._embedding(tf.transpose(inputs)), states)
        return self._logits(hiddens), states

    def read_texts(self, texts: tf.RaggedTensor, line_end: tf.Tensor) -> tf.Tensor:
        r"""Hidden units that the characters of texts after a line end are predicted from.

            text      春 天 来 了
            inputs    \n 春 天 来        the text moved right, a line end before it
            units     春 天 来 了        to predict these

        Args:
            texts: int64[batch_size, (n)], one character or more.
            line_end: int64[], its index.

        Returns:
            float32[batch_size, n, num_units]; in shorter rows what comes after means nothing.
        """
        characters = texts.to_tensor()  # [batch_size, n]
        line_ends = tf.fill([tf.shape(characters)[0], 1], line_end)
        inputs = tf.concat([line_ends, characters], axis=1)[:, :-1]  # [batch_size, n]
        states = self.initial_state(tf.shape(inputs)[0])
        hiddens, _ = self._stack(self._embedding(tf.transpose(inputs)), states)
        return tf.transpose(hiddens, [1, 0, 2])

    def loss(self, inputs: tf.Tensor, targets: tf.Tensor, states: States) -> Loss:
        """See Model."""
        vectors = self._embedding(tf.transpose(inputs), training=True)
        hiddens, states = self._stack(vectors, states, training=True)
        return self._loss(hiddens, tf.transpose(targets), states)

    def step(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """Reads one character of each sequence: int64[batch_size] to [batch_size, vocab_size]."""
        hiddens, states = self.read(inputs, states)
        return self.output(hiddens), states

    def read(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """As `step`, but to the hidden units: float32[batch_size, num_hiddens]."""
        return self._stack.step(self._embedding(inputs), states)
