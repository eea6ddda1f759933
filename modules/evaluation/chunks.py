"""Much, a part at a time: what would take gigabytes at once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

PREDICTED_AT_A_TIME = 1024  # characters; logits of a vocabulary of 6,000 are then 25 MB

Tensors = dict[str, tf.Tensor]


def in_chunks(
    function: Callable[..., Tensors], *rows: tf.Tensor, size: int, specs: dict[str, Any]
) -> Tensors:
    """What `function` makes of the rows, one row for each, though it gets `size` at a time.

    Args:
        function: of as many tensors as `rows` are.
        rows: tensors of the same first dimension, of which each chunk gets a part.
        size: rows of a chunk; the last may have fewer.
        specs: TensorSpecs of what `function` makes of a chunk. Its shapes but the first dimension
            have to be the same for all chunks.
    """
    # One for no rows, of which `function` then makes nothing.
    num_chunks = tf.maximum(1, -(-tf.shape(rows[0])[0] // size))
    arrays = {
        name: tf.TensorArray(spec.dtype, num_chunks, infer_shape=False, element_shape=spec.shape)
        for name, spec in specs.items()
    }

    def next_chunk(chunk: tf.Tensor, arrays: dict) -> tuple[tf.Tensor, dict]:
        made = function(*(part[chunk * size : (chunk + 1) * size] for part in rows))
        return chunk + 1, {name: array.write(chunk, made[name]) for name, array in arrays.items()}

    _, arrays = tf.while_loop(
        lambda chunk, _: chunk < num_chunks, next_chunk, (0, arrays), parallel_iterations=1
    )
    return {name: array.concat() for name, array in arrays.items()}
