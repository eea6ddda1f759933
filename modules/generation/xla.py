"""Adds up and limits what is drawn from, where XLA compiles it.

On a CPU XLA takes a tenth of a millisecond to add up or to sort a thousand numbers, several times
as long as the whole of a step. Here nothing is sorted, and sums are products of matrices.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_BLOCK = 32
# e to the power of less is 0 in float32.
_LEAST = -104.0
_HALVINGS = 32  # of the range down to it: 2e-8 are left


def cumulative_sum(values: tf.Tensor) -> tf.Tensor:
    """As `tf.cumsum` of each row, but for rounding: float32[B, n] to float32[B, n]."""
    n = values.shape[-1]
    num_blocks = -(-n // _BLOCK)
    blocks = tf.reshape(tf.pad(values, [[0, 0], [0, num_blocks * _BLOCK - n]]), [-1, _BLOCK])
    sums = tf.matmul(blocks, np.triu(np.ones([_BLOCK, _BLOCK], np.float32)))  # [B * blocks, BLOCK]
    sums = tf.reshape(sums, [-1, num_blocks, _BLOCK])
    before = np.triu(np.ones([num_blocks, num_blocks], np.float32), 1)
    sums += tf.matmul(sums[:, :, -1], before)[:, :, None]  # [B, blocks, BLOCK]
    return tf.reshape(sums, [-1, num_blocks * _BLOCK])[:, :n]


def lowest(logits: tf.Tensor, top_k: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """The logit of the least likely character that each row can draw.

    Args:
        logits: float32[B, vocab_size], the highest of each row being 0.
        top_k: int32[B], how many can be drawn but for `top_p`, 1 or more.
        top_p: float32[B], the probability that is enough for these to have together.

    Returns:
        float32[B]; characters whose probability is 0 may have less.
    """

    def too_few(is_above: tf.Tensor) -> tf.Tensor:
        return tf.math.count_nonzero(is_above, axis=-1, dtype=tf.int32) < top_k

    kth = _lowest(logits, too_few)
    weights = tf.where(logits >= kth[:, None], tf.exp(logits), 0.0)
    enough = top_p * tf.reduce_sum(weights, axis=-1)  # [B]

    def too_unlikely(is_above: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.where(is_above, weights, 0.0), axis=-1) < enough

    return tf.cond(
        tf.reduce_any(top_p < 1),
        lambda: tf.where(top_p < 1, tf.maximum(kth, _lowest(logits, too_unlikely)), kth),
        lambda: kth,
    )


def _lowest(logits: tf.Tensor, are_too_few: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """The lowest logit that is needed, by halving the range in which it is.

    Args:
        logits: float32[B, vocab_size], 0 at most.
        are_too_few: whether the characters that it is told, bool[B, vocab_size], are not enough
            for a row: bool[B].

    Returns:
        float32[B].
    """

    def halve(step: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple:
        middle = (low + high) / 2
        is_high = are_too_few(logits > middle[:, None])
        return step + 1, tf.where(is_high, low, middle), tf.where(is_high, middle, high)

    highest = tf.zeros_like(logits[:, 0])
    _, low, _ = tf.while_loop(
        lambda step, *_: step < _HALVINGS, halve, (0, highest + _LEAST, highest)
    )
    return tf.reduce_min(tf.where(logits > low[:, None], logits, 0.0), axis=-1)
