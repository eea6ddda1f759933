"""The network beside the n-gram model and its cache, and mixtures of them, inside the graph."""

import math

import tensorflow as tf

from modules import features
from modules.evaluation.scoring import Scores


def log_probabilities(scores: Scores, windows: dict[str, tf.Tensor]) -> tf.Tensor:
    """What each model says of the scored characters.

    Args:
        scores: the network's, of B windows.
        windows: the same windows, as `dataset.parse_scored_windows` returns them.

    Returns:
        float32[characters, 3], of all windows one after the other: log P under the network, the
        n-gram model and the cache (`mixture.PARTS`); NaN where a window does not tell.
    """
    lengths = scores.ids.row_lengths()  # [B]
    ngram = _fill_up(windows[features.NGRAM_NATS], lengths)  # [B, (n)]
    cache = _fill_up(windows[features.CACHE_NATS], lengths)
    nats = [rows.flat_values for rows in (scores.character_nats, ngram, cache)]
    return -tf.stack(nats, axis=1)  # [characters, 3]


def mix(log_probabilities: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Log P under the mixture: float32[characters, models] and [models] to float32[characters].

    A model of weight 0 has no part in it, whatever it says.
    """
    terms = log_probabilities + tf.math.log(weights)  # [characters, models]
    terms = tf.where(tf.equal(weights, 0), -math.inf, terms)
    return tf.reduce_logsumexp(terms, axis=1)


def _fill_up(nats: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """Brings each row to its length, with NaN."""
    missing = lengths - nats.row_lengths()  # [B]
    filling = tf.fill([tf.reduce_sum(missing)], math.nan)
    return tf.concat([nats, tf.RaggedTensor.from_row_lengths(filling, missing)], axis=1)
