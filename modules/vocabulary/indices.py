"""Characters to indices and back, by the one vocabulary file that Transform wrote.

The file holds one entry a line: `<unk>`, then the code points as decimal numbers, the most
frequent first. (A text vocabulary over the characters themselves would lose the newline,
and a binary one cannot be saved into a SavedModel.)

Not public in TensorFlow 2.16: `_shared_name` of a table's initializer, by which the table is found
again in a process and which a SavedModel holds. TensorFlow makes it of the file's path; so the same
model would be another one wherever else the vocabulary lay. Without it that would be so again.
"""

import hashlib

import tensorflow as tf

from modules.vocabulary.characters import Newline
from modules.vocabulary.composition import NormalForm

VOCABULARY_NAME = "characters"  # of the asset in Transform's output
UNKNOWN = "<unk>"  # entry 0
UNKNOWN_ID = 0

_LINE_NUMBER = tf.lookup.TextFileIndex.LINE_NUMBER
_WHOLE_LINE = tf.lookup.TextFileIndex.WHOLE_LINE


def code_points(texts: tf.Tensor, newline: Newline) -> tf.RaggedTensor:
    """Splits `string[B]` of UTF-8 into `int32[B, (n)]`, reading newlines as the option says."""
    codes = tf.strings.unicode_decode(texts, "UTF-8")  # [B, (n)]
    if newline == "space":
        # Of ragged tensors, it would take hundreds of operations.
        flat = codes.flat_values
        codes = codes.with_flat_values(tf.where(flat == ord("\n"), ord(" "), flat))
    return codes


class Vocabulary(tf.Module):
    """Encodes and decodes text inside the graph; travels in the SavedModel as its asset.

    Args:
        path: the vocabulary file.
        newline: how newlines are read, the same as when the file was written.

    Attributes:
        size: entries, `<unk>` included.
        normalise: makes the normal form of texts, string[B], which those in training are in.
    """

    def __init__(self, path: str, newline: Newline) -> None:
        super().__init__()
        self._newline = newline
        with tf.io.gfile.GFile(path) as file:
            lines = file.read()
        digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
        self._ids = tf.lookup.StaticHashTable(
            _Lines(digest, path, tf.string, _WHOLE_LINE, tf.int64, _LINE_NUMBER),
            default_value=UNKNOWN_ID,
        )
        self._entries = tf.lookup.StaticHashTable(
            _Lines(digest, path, tf.int64, _LINE_NUMBER, tf.string, _WHOLE_LINE),
            default_value=UNKNOWN,
        )
        self.size = int(self._ids.size())
        self.normalise = NormalForm(_characters(lines))

    def line_end_id(self) -> tf.Tensor:
        """Index of what ends a line, `int64[]`: a text is scored as if it began after one."""
        return self.encode(tf.constant(["\n"])).flat_values[0]

    def code_points(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """`string[B]` to code points `int32[B, (n)]`."""
        return code_points(texts, self._newline)

    def encode(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """`string[B]` to indices `int64[B, (n)]`; characters not in the vocabulary are 0."""
        codes = self.code_points(texts)
        ids = self._ids.lookup(tf.strings.as_string(codes.flat_values))  # [sum of n]
        return codes.with_flat_values(ids)

    def unknown(self, texts: tf.Tensor) -> tf.Tensor:
        """The characters of `string[B]` that are not in the vocabulary, in order: `string[B]`."""
        is_unknown = tf.ragged.map_flat_values(lambda ids: ids == UNKNOWN_ID, self.encode(texts))
        characters = tf.ragged.boolean_mask(self.code_points(texts), is_unknown)  # [B, (n)]
        return tf.strings.unicode_encode(characters, "UTF-8")

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Indices `int64[B, (n)]`, none of them `<unk>`, to text `string[B]`."""
        codes = tf.strings.to_number(self._entries.lookup(ids.flat_values), tf.int32)
        return tf.strings.unicode_encode(ids.with_flat_values(codes), "UTF-8")


class _Lines(tf.lookup.TextFileInitializer):
    """Names its table by what the file holds, and not by where it lies."""

    def __init__(self, digest: str, *arguments: object) -> None:
        super().__init__(*arguments)
        self._digest = digest

    @property
    def _shared_name(self) -> str:
        return f"{VOCABULARY_NAME}_{self._digest}_{self.key_dtype.name}"


def _characters(lines: str) -> list[str]:
    return [chr(int(line)) for line in lines.split() if line != UNKNOWN]
