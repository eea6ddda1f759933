"""What a recurrent network is made of: characters' vectors, layers, logits.

Source: Dive into Deep Learning, section 6.9 for several layers; Gal & Ghahramani (2016), "A
theoretically grounded application of dropout in recurrent neural networks", for dropping the same
units at every step; Ba et al. (2016), "Layer normalization"; Press & Wolf (2017), "Using the
output embedding to improve language models", for tied weights.
"""

import keras
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.cells import State, multiply
from modules.network.recurrent import Inputs, Lookup, RecurrentLayer
from modules.network.scratch import ScratchLayer, parameter

# The states of all layers.
States = list[State]


class Stack(tf.Module):
    """Recurrent layers, one on top of the other, with dropout before, between and after them.

    Args:
        hyperparameters: the layers.
        input_size: length of an input vector; of a one-hot vector, where inputs are indices.
        seeds: of the dropout.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        input_size: int,
        seeds: keras.random.SeedGenerator,
    ) -> None:
        super().__init__()
        self._num_hiddens = hyperparameters.num_hiddens
        self._states_per_layer = 2 if hyperparameters.cell == "lstm" else 1
        self._dropout = hyperparameters.dropout
        self._variational = hyperparameters.variational_dropout
        self._seeds = seeds
        layer = ScratchLayer if hyperparameters.from_scratch else RecurrentLayer
        sizes = [input_size] + [self._num_hiddens] * (hyperparameters.num_layers - 1)
        self._layers = [layer(hyperparameters, size) for size in sizes]
        self._norms = []
        if hyperparameters.layer_norm:
            self._norms = [keras.layers.LayerNormalization() for _ in self._layers]
            for norm in self._norms:
                norm.build((None, None, self._num_hiddens))

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""
        norms = [weight for norm in self._norms for weight in norm.trainable_weights]
        return [weight for layer in self._layers for weight in layer.weights] + norms

    def initial_state(self, batch_size: int | tf.Tensor) -> States:
        """The state before anything is read: zeros."""
        zeros = tf.zeros([batch_size, self._num_hiddens])
        return [[zeros] * self._states_per_layer for _ in self._layers]

    def __call__(
        self, inputs: Inputs, states: States, training: bool = False
    ) -> tuple[tf.Tensor, States]:
        """Reads sequences: T steps, B of them, to float32[T, B, num_hiddens]."""
        next_states = []
        outputs = self._drop(inputs, training)
        for index, (layer, state) in enumerate(zip(self._layers, states, strict=True)):
            outputs, state = layer(outputs, state, training)
            outputs = self._drop(self._normalised(outputs, index), training)
            next_states.append(state)
        return outputs, next_states

    def step(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """Reads one step: float32[B, input_size] or int64[B] to float32[B, num_hiddens]."""
        next_states = []
        for index, (layer, state) in enumerate(zip(self._layers, states, strict=True)):
            inputs, state = layer.step(inputs, state)
            inputs = self._normalised(inputs, index)
            next_states.append(state)
        return inputs, next_states

    def _normalised(self, outputs: tf.Tensor, index: int) -> tf.Tensor:
        return self._norms[index](outputs) if self._norms else outputs

    def _drop(self, outputs: Inputs, training: bool) -> Inputs:
        if not (training and self._dropout):
            return outputs
        if isinstance(outputs, Lookup):  # what is dropped of a vector differs from place to place
            outputs = outputs.sequences
        if outputs.dtype.is_integer:
            return outputs
        shape = [1, *outputs.shape[1:]] if self._variational else None
        return keras.random.dropout(outputs, self._dropout, noise_shape=shape, seed=self._seeds)


class Embedding(tf.Module):
    """Indices to vectors; with an embedding_size of 0 they stay what they are, one-hot vectors.

    Args:
        hyperparameters: the size.
        vocab_size: how many vectors there are.
    """

    def __init__(self, hyperparameters: Hyperparameters, vocab_size: int) -> None:
        super().__init__()
        units = hyperparameters.embedding_units
        self.output_size = units or vocab_size
        self._layer = None
        if units:
            # Of variance 1, as the kernels that read them expect; smaller where they are the
            # output's weights too. Keras's own, smaller still, cost epochs: with them a text took
            # three times as many to be learnt by heart.
            spread = 0.1 if hyperparameters.tie_weights else 1.0
            initial = keras.initializers.RandomNormal(stddev=spread)
            self._layer = keras.layers.Embedding(vocab_size, units, initial)
            self._layer.build()

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes."""
        return self._layer.trainable_weights if self._layer else []

    def __call__(self, inputs: tf.Tensor, training: bool = False) -> Inputs:
        """int64[...] to float32[..., output_size], or as it is.

        In training to a Lookup, so that each is multiplied once: of the 1,120 characters in a
        minibatch of the book's text some 420 are distinct.
        """
        if not (self._layer and training):
            return self._layer(inputs) if self._layer else inputs
        distinct, places = tf.unique(tf.reshape(inputs, [-1]))
        return Lookup(self._layer(distinct), tf.reshape(places, tf.shape(inputs)))


class Output(tf.Module):
    """Hidden units to logits, in the precision of the hyperparameters while training.

    Args:
        hyperparameters: how it is initialised, and whether its weights are the embedding's.
        input_size: how many hidden units there are.
        embedding: of the characters read.
        vocab_size: how many logits there are.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        input_size: int,
        embedding: Embedding,
        vocab_size: int,
    ) -> None:
        super().__init__()
        self._dtype = tf.as_dtype(hyperparameters.precision)
        self._tied = hyperparameters.tie_weights
        self._bias = parameter(vocab_size)
        if self._tied:
            (self._kernel,) = embedding.weights
        elif hyperparameters.from_scratch:
            self._kernel = parameter(input_size, vocab_size)
        else:
            self._kernel = keras.Variable("glorot_uniform", shape=[input_size, vocab_size])

    @property
    def weights(self) -> list[keras.Variable]:
        """What training changes, but for the weights that are the embedding's."""
        return [self._bias] if self._tied else [self._kernel, self._bias]

    @property
    def bias(self) -> tf.Tensor:
        """What is added to the products: float32[vocab_size]."""
        return tf.convert_to_tensor(self._bias.value)

    def __call__(self, hiddens: tf.Tensor, training: bool = False) -> tf.Tensor:
        """float32[N, input_size] to float32[N, vocab_size]."""
        return tf.nn.bias_add(self.multiply(hiddens, training), self._bias.value)

    def multiply(self, hiddens: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The same without the bias."""
        kernel = tf.cast(self._kernel.value, self._dtype if training else tf.float32)
        return multiply(hiddens, kernel, transpose_b=self._tied)
