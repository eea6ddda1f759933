"""Draws the next character, wholly inside the graph.

Source: Holtzman et al. (2020), "The curious case of neural text degeneration", for top-p; Keskar
et al. (2019), "CTRL", for the penalty on repetition; Steele et al. (2014), "Fast splittable
pseudorandom number generators", for the random numbers (SplitMix64).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from modules.generation import xla
from modules.vocabulary.indices import UNKNOWN_ID

_GAMMA = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
# Beyond these a quotient of logits would not be finite; within, they are as good as 0 and infinity.
_COLDEST, _HOTTEST = 1e-30, 1e30


class Distribution(NamedTuple):
    """What each of B rows draws from.

    Attributes:
        temperature: float32[B], logits are divided by it; 0 takes the likeliest character.
        top_k: int32[B], only the k likeliest can be drawn; 0 is all.
        top_p: float32[B], and of these only the likeliest that together have this probability.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor


def never_unknown(vocab_size: int) -> tf.Tensor:
    """What is added to logits so that `<unk>` is never chosen: float32[vocab_size]."""
    return tf.constant(np.where(np.arange(vocab_size) == UNKNOWN_ID, -np.inf, 0), tf.float32)


class _Limits(NamedTuple):
    """What choosing needs to know of a distribution, which is the same at every step.

    Attributes:
        is_greedy: bool[B].
        temperature: float32[B, 1], with which nothing overflows.
        is_limited: bool[B], whether there are characters that cannot be drawn.
        any_limited: bool[], whether there are in any row.
        top_k: int32[B], how many can be drawn but for `top_p`.
        most: int32[], the largest of these in rows that are limited.
        top_p: float32[B].
        any_nucleus: bool[], whether it counts in any row.
    """

    is_greedy: tf.Tensor
    temperature: tf.Tensor
    is_limited: tf.Tensor
    any_limited: tf.Tensor
    top_k: tf.Tensor
    most: tf.Tensor
    top_p: tf.Tensor
    any_nucleus: tf.Tensor


def chooser(
    distribution: Distribution, vocab_size: int, compiled: bool = False
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Draws a character a row by inverting the cumulative distribution.

    The characters stand in the vocabulary's order, whatever limits a row asks for: what it draws
    does not depend on the other rows, and only rows with a limit cost a sorted vocabulary.

    Args:
        distribution: what to draw from.
        vocab_size: entries of the vocabulary, `<unk>` included.
        compiled: whether by XLA, which takes other ways to the same, but for rounding.

    Returns:
        a function of logits, float32[B, vocab_size], where -inf is never drawn, and draws,
        float32[B], uniform in [0, 1); it returns the characters, int64[B].
    """
    temperature, top_k, top_p = distribution
    others = vocab_size - 1
    top_k = tf.where(top_k == 0, others, tf.minimum(top_k, others))  # [B]
    is_limited = (top_k < others) | (top_p < 1)  # [B]
    limits = _Limits(
        temperature == 0,
        tf.clip_by_value(temperature, _COLDEST, _HOTTEST)[:, None],
        is_limited,
        tf.reduce_any(is_limited),
        top_k,
        tf.reduce_max(tf.where(is_limited, top_k, 1)),
        top_p,
        tf.reduce_any(top_p < 1),
    )
    return partial(_choose, limits, compiled)


def _choose(limits: _Limits, compiled: bool, logits: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    likeliest = tf.argmax(logits, axis=-1)  # [B]
    # Of the likeliest, 0: nothing can overflow.
    logits = (logits - tf.reduce_max(logits, axis=-1, keepdims=True)) / limits.temperature

    def weights_within_limits() -> tf.Tensor:
        if compiled:
            lowest = xla.lowest(logits, limits.top_k, limits.top_p)
        else:
            lowest = _lowest(limits, logits)
        lowest = tf.where(limits.is_limited, lowest, logits.dtype.min)
        return tf.where(logits >= lowest[:, None], tf.exp(logits), 0.0)

    weights = tf.cond(limits.any_limited, weights_within_limits, lambda: tf.exp(logits))
    cumulative = xla.cumulative_sum(weights) if compiled else tf.cumsum(weights, axis=-1)
    # Rounding may leave the last sum short of the whole, so the draw is measured against that sum.
    below = cumulative <= draws[:, None] * cumulative[:, -1:]
    drawn = tf.math.count_nonzero(below, axis=-1)  # [B]
    if compiled:
        # Rounding may leave a gap before a block, which must not let in what cannot be drawn.
        can_be = tf.gather(weights, tf.minimum(drawn, weights.shape[-1] - 1), batch_dims=1) > 0
        drawn = tf.where(can_be, drawn, likeliest)
    return tf.where(limits.is_greedy, likeliest, drawn)


def _lowest(limits: _Limits, logits: tf.Tensor) -> tf.Tensor:
    """The logit of the least likely character that each limited row can draw: float32[B]."""
    ordered, _ = tf.math.top_k(logits, limits.most)  # [B, most]
    count = tf.cond(limits.any_nucleus, lambda: _nucleus(limits, ordered), lambda: limits.top_k)
    return tf.gather(ordered, tf.minimum(count, limits.most) - 1, batch_dims=1)


def _nucleus(limits: _Limits, ordered: tf.Tensor) -> tf.Tensor:
    """How many of the likeliest, float32[B, n], have `top_p` together: int32[B]."""
    is_left = tf.range(tf.shape(ordered)[1]) < limits.top_k[:, None]  # [B, n]
    weights = tf.where(is_left, tf.exp(ordered), 0.0)
    before = tf.cumsum(weights, axis=-1, exclusive=True)  # [B, n]
    within = before < limits.top_p[:, None] * tf.reduce_sum(weights, axis=-1, keepdims=True)
    count = tf.math.count_nonzero(within & is_left, axis=-1, dtype=tf.int32)  # [B]
    return tf.where(limits.top_p < 1, tf.maximum(count, 1), limits.top_k)


def penalise(logits: tf.Tensor, recent: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """Makes the characters in `recent` less likely, however often they are there.

    Args:
        logits: float32[B, vocab_size].
        recent: int64[B, n], indices.
        penalty: float32[B], by which positive logits are divided and negative ones multiplied.
    """
    penalty = penalty[:, None]
    values = tf.gather(logits, recent, batch_dims=1)  # [B, n]
    values = tf.where(values > 0, values / penalty, values * penalty)
    values = tf.clip_by_value(values, logits.dtype.min, logits.dtype.max)
    rows = tf.broadcast_to(tf.range(tf.shape(recent)[0], dtype=tf.int64)[:, None], tf.shape(recent))
    return tf.tensor_scatter_nd_update(logits, tf.stack([rows, recent], axis=-1), values)


def uniform(seed: tf.Tensor, position: tf.Tensor, num_steps: tf.Tensor) -> tf.Tensor:
    """Numbers in [0, 1) that depend on a row's seed and the place in its text, and nothing else.

    Args:
        seed: int64[B].
        position: int64[B], the place of the first.
        num_steps: int32[], how many places.

    Returns:
        float32[num_steps, B].
    """
    places = position + tf.range(tf.cast(num_steps, tf.int64))[:, None]  # [num_steps, B]
    start = _mix(tf.bitcast(seed, tf.uint64))
    numbers = _mix(start + tf.bitcast(places + 1, tf.uint64) * tf.constant(_GAMMA, tf.uint64))
    return tf.cast(tf.bitwise.right_shift(numbers, tf.constant(40, tf.uint64)), tf.float32) / 2**24


def _mix(numbers: tf.Tensor) -> tf.Tensor:
    """SplitMix64's way to spread a counter over all 64 bits: uint64[...]."""
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        numbers = _fold(numbers, shift) * tf.constant(multiplier, tf.uint64)
    return _fold(numbers, 31)


def _fold(numbers: tf.Tensor, shift: int) -> tf.Tensor:
    shifted = tf.bitwise.right_shift(numbers, tf.constant(shift, tf.uint64))
    return tf.bitwise.bitwise_xor(numbers, shifted)
