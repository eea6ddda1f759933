"""The fill-in model: what is missing between what comes before and what comes after.

One stack of layers reads forwards, another backwards; a character is predicted from the forward
state just before it and the backward state just after it. Their layers are never joined below
the logits, so that no way leads from a character to its own prediction.

Source: Dive into Deep Learning, section 6.10; Schuster & Paliwal (1997), "Bidirectional recurrent
neural networks".
"""

import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.model import Loss, Network
from modules.network.stack import States


class FillModel(Network):
    """Maps characters to logits for each of them, made from all of the others.

    Args:
        vocab_size: entries of the vocabulary, `<unk>` included.
        hyperparameters: the cell and the sizes.
    """

    def __init__(self, vocab_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__(vocab_size, hyperparameters, num_directions=2)

    def __call__(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Logits of what is between others: see `_between`.

        Returns:
            float32[batch_size, n - 2, vocab_size].
        """
        return self._logits(self._between(inputs, lengths))

    def _between(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Reads sequences from both sides.

        Args:
            inputs: int64[batch_size, n]; what is predicted has something on either side.
            lengths: int64[batch_size], 2 or more: what comes after is not read.

        Returns:
            float32[n - 2, batch_size, num_units], for all but the first and the last (in shorter
            rows, for what comes after them too, which mean nothing).
        """
        forwards = tf.transpose(inputs)  # [n, batch_size]
        backwards = tf.transpose(tf.reverse_sequence(inputs, lengths, seq_axis=1))
        before, after = self._read([forwards[:-2], backwards[:-2]], training=False)
        after = tf.reverse_sequence(after, lengths - 2, seq_axis=0, batch_axis=1)
        return tf.concat([before, after], axis=-1)

    def read_texts(self, texts: tf.RaggedTensor, line_end: tf.Tensor) -> tf.Tensor:
        """Hidden units that the characters of texts between line ends are predicted from.

        Args:
            texts: int64[batch_size, (n)], one character or more.
            line_end: int64[], its index.

        Returns:
            float32[batch_size, n, num_units]; in shorter rows what comes after means nothing.
        """
        line_ends = tf.fill([texts.nrows(), 1], line_end)
        lines = tf.concat([line_ends, texts, line_ends], axis=1)  # [batch_size, (n + 2)]
        units = self._between(lines.to_tensor(), lines.row_lengths())  # [n, batch_size, num_units]
        return tf.transpose(units, [1, 0, 2])

    def loss(self, inputs: tf.Tensor, targets: tf.Tensor, states: States) -> Loss:
        """See Model: predicts all characters of the windows but the first and the last."""
        window = tf.transpose(tf.concat([inputs, targets[:, -1:]], axis=1))  # [n, batch_size]
        backwards = tf.reverse(window, axis=[0])
        before, after = self._read([window[:-2], backwards[:-2]], training=True)
        hiddens = tf.concat([before, tf.reverse(after, axis=[0])], axis=-1)
        return self._loss(hiddens, window[1:-1], states)

    def _read(self, inputs: list[tf.Tensor], training: bool) -> list[tf.Tensor]:
        """Reads with both stacks from zero states: int64[T, B] to [T, B, num_hiddens] each."""
        state = self.initial_state(tf.shape(inputs[0])[1])
        return [
            stack(self._embedding(part, training), state, training)[0]
            for stack, part in zip(self._stacks, inputs, strict=True)
        ]
