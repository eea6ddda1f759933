"""A model too small to be wrong about: it repeats itself, and finds all characters alike."""

from pathlib import Path

import tensorflow as tf

from modules import contract

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class UniformModel(tf.Module):
    """Appends a prefix's last character; scores each character with ln(vocabulary size)."""

    def __init__(self, vocabulary_file: Path):
        super().__init__()
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary_file),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=0,
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, contract.PREFIX),
            tf.TensorSpec([None], tf.int32, contract.NUM_CHARS),
            tf.TensorSpec([None], tf.float32, contract.TEMPERATURE),
            tf.TensorSpec([None], tf.int32, contract.TOP_K),
            tf.TensorSpec([None], tf.int64, contract.SEED),
        ]
    )
    def generate(self, prefix, num_chars, temperature, top_k, seed):
        guard = tf.debugging.Assert(
            tf.reduce_all(tf.strings.length(prefix) > 0),
            ["prefix is empty: give one character or more"],
        )
        with tf.control_dependencies([guard]):  # else substr may be the first to complain
            prefix = tf.identity(prefix)
        last = tf.strings.substr(prefix, -1, 1, unit="UTF8_CHAR")
        rows = tf.RaggedTensor.from_row_lengths(tf.repeat(last, num_chars), num_chars)
        return {contract.TEXT: prefix + tf.strings.reduce_join(rows, axis=-1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, contract.TEXT)])
    def score(self, text):
        characters = tf.cast(tf.strings.length(text, unit="UTF8_CHAR"), tf.int64)
        size = tf.cast(self.table.size(), tf.float32)
        nats = tf.cast(characters, tf.float32) * tf.math.log(size)
        return {
            contract.NATS: nats,
            contract.CHARACTERS: characters,
            contract.PERPLEXITY: tf.exp(nats / tf.cast(characters, tf.float32)),
        }


def save(vocab_size: int, directory: Path) -> Path:
    """Saves one with that many characters below the directory; says where."""
    vocabulary = directory / "vocabulary.txt"
    vocabulary.write_text("\n".join(LETTERS[:vocab_size]))
    model = UniformModel(vocabulary)
    signatures = {contract.GENERATE: model.generate, contract.SCORE: model.score}
    tf.saved_model.save(model, str(directory / "model"), signatures=signatures)
    vocabulary.unlink()  # the copy in the SavedModel is the one that counts
    return directory / "model"
