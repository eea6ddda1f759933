"""How far a text has been written, between one request and the next: a server keeps nothing."""

import tensorflow as tf

from modules import contract
from modules.generation.reading import Reading, last_characters
from modules.network.model import LanguageModel
from modules.signatures.requests import Tensors, specs
from modules.vocabulary.indices import Vocabulary


class ClientState:
    """A `Reading` as tensors that go to the client and come back.

    Args:
        model: whose states they hold.
        vocabulary: what it was trained with.

    Attributes:
        specs: of the tensors, by name.
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        zeros = model.initial_state(1)
        self._names = (contract.H, contract.C)[: len(zeros[0])]
        shape = [None, len(zeros), zeros[0][0].shape[-1]]
        self.specs = specs(contract.RECENT, contract.POSITION)
        self.specs |= {name: tf.TensorSpec(shape, tf.float32) for name in self._names}

    def read(self, tensors: Tensors) -> Reading:
        """Of what has come back."""
        recent = self._vocabulary.encode(tensors[contract.RECENT])  # [B, (n)]
        parts = [tf.unstack(tensors[name], axis=1) for name in self._names]
        return Reading(
            [list(layer) for layer in zip(*parts, strict=True)],
            last_characters(recent.to_tensor(), recent.row_lengths()),
            tensors[contract.POSITION],
        )

    def write(self, reading: Reading, text: tf.Tensor) -> Tensors:
        """What a client sends back to have `text`, string[B], continued; it needs the end of it."""
        stacked = {
            name: tf.stack([state[index] for state in reading.states], axis=1)
            for index, name in enumerate(self._names)
        }
        length = tf.strings.length(text, unit="UTF8_CHAR")
        start = tf.maximum(length - contract.NUM_RECENT, 0)
        lengths = tf.fill(tf.shape(start), contract.NUM_RECENT)
        recent = tf.strings.substr(text, start, lengths, unit="UTF8_CHAR")
        return {contract.RECENT: recent, contract.POSITION: reading.position, **stacked}
