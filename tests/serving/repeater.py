"""A model whose answers tell how it was run, and one signature that takes as long as it is told."""

from pathlib import Path

import tensorflow as tf

SIGNATURES = ("repeat", "number", "split", "count", "spin")


class Repeater(tf.Module):
    """Says how many rows it was run with."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "text"),
            tf.TensorSpec([None], tf.int32, "times"),
        ]
    )
    def repeat(self, text, times):
        check = tf.debugging.Assert(tf.reduce_all(times >= 0), ["times is negative"])
        with tf.control_dependencies([check]):
            times = tf.identity(times)
        ragged = tf.RaggedTensor.from_row_lengths(tf.repeat(text, times), times)
        return {
            "text": tf.strings.reduce_join(ragged, axis=1),
            "rows": tf.ones_like(times) * tf.size(text),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "text"),
            tf.TensorSpec([None], tf.int32, "times"),
        ]
    )
    def number(self, text, times):
        """As `repeat`, to look at, but for what its text is."""
        return {"text": tf.ones_like(times) * tf.size(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def split(self, text):
        """One column for each character of the longest text."""
        characters = tf.strings.unicode_split(text, "UTF-8").to_tensor("")
        rows = tf.ones_like(text, tf.int32) * tf.size(text)
        return {"characters": characters, "rows": rows}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def count(self, text):
        """One number for all."""
        return {"rows": tf.reshape(tf.size(text), [1])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "steps")])
    def spin(self, steps):
        last = tf.reduce_max(steps)
        _, x = tf.while_loop(
            lambda step, x: step < last,
            lambda step, x: (step + 1, tf.tanh(tf.matmul(x, x))),
            (0, tf.ones([32, 32])),
        )
        zero = tf.cast(tf.reduce_max(x) * 0, tf.int32)
        return {"rows": tf.ones_like(steps) * tf.size(steps) + zero}


def save(path: Path) -> None:
    """Saves one."""
    model = Repeater()
    signatures = {name: getattr(model, name) for name in SIGNATURES}
    tf.saved_model.save(model, str(path), signatures=signatures)
