"""What signatures take, what they refuse, and how they go through many rows."""

from collections.abc import Callable

import tensorflow as tf

from modules import features


def row(dtype: tf.DType, name: str) -> tf.TensorSpec:
    """An input with one value for each row of the batch."""
    return tf.TensorSpec([None], dtype, name)


def refuse_unless(condition: tf.Tensor, sentence: str) -> tf.Operation:
    """Fails with INVALID_ARGUMENT and a sentence for the client where anything is false."""
    return tf.debugging.Assert(tf.reduce_all(condition), [sentence])


def check_texts(name: str, texts: tf.Tensor) -> list[tf.Operation]:
    """Refuses a batch of no texts, and texts of no or too many characters."""
    lengths = tf.strings.length(texts, unit="UTF8_CHAR")
    return [
        refuse_unless(tf.size(texts) > 0, f"{name} is empty: send one text or more"),
        refuse_unless(lengths > 0, f"{name} has a text without characters: send one or more"),
        refuse_unless(
            lengths <= features.MAX_CHARS,
            f"{name} is too long: send {features.MAX_CHARS} characters at most",
        ),
    ]


def check_rows(texts: str, inputs: dict[str, tf.Tensor]) -> list[tf.Operation]:
    """Refuses inputs, by name, that do not have as many rows as the one called `texts`."""
    size = tf.size(inputs[texts])
    return [
        refuse_unless(tf.size(value) == size, f"{name} needs one value for each {texts}")
        for name, value in inputs.items()
    ]


def in_chunks(
    function: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    rows: tf.Tensor,
    size: int,
    dtypes: dict[str, tf.DType],
) -> dict[str, tf.Tensor]:
    """What `function` makes of the rows, one row for each, though it gets `size` at a time."""
    num_chunks = -(-tf.size(rows) // size)
    arrays = {
        name: tf.TensorArray(dtype, num_chunks, infer_shape=False, element_shape=[None])
        for name, dtype in dtypes.items()
    }

    def next_chunk(chunk: tf.Tensor, arrays: dict) -> tuple[tf.Tensor, dict]:
        made = function(rows[chunk * size : (chunk + 1) * size])
        return chunk + 1, {name: array.write(chunk, made[name]) for name, array in arrays.items()}

    _, arrays = tf.while_loop(
        lambda chunk, _: chunk < num_chunks, next_chunk, (0, arrays), parallel_iterations=1
    )
    return {name: array.concat() for name, array in arrays.items()}
