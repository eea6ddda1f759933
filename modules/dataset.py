"""Reads the windows that SequenceWindows wrote.

`consecutive` minibatches follow one another in the files; `random` windows are shuffled
anew each epoch. Source: Dive into Deep Learning, section 6.3.
"""

from collections.abc import Sequence

import tensorflow as tf

from modules import features
from modules.windowing import WindowOptions

# All windows of a corpus of some 30 million characters; above that the shuffle is local.
_SHUFFLE_WINDOWS = 2**20


def training_batches(
    patterns: Sequence[str], options: WindowOptions, seed: int, epoch: int
) -> tf.data.Dataset:
    """Minibatches of one epoch, the last incomplete one dropped.

    Args:
        patterns: file patterns of the training windows.
        options: how they were cut.
        seed: of all epochs' shuffles; the same seed and epoch give the same minibatches.
        epoch: counts from 0.

    Returns:
        A dataset of (inputs, targets), both int64[batch_size, num_steps]; targets are the
        characters after the inputs.
    """
    num_steps = options.num_steps
    windows = _records(patterns).map(_parse_ids, tf.data.AUTOTUNE)
    if options.sampling == "random":
        shuffle_seed, offset_seed = tf.random.experimental.stateless_split([seed, epoch], 2)
        offset = tf.constant(0)
        if options.random_offset:
            offset = tf.random.stateless_uniform([], offset_seed, 0, num_steps, tf.int32)
        windows = windows.filter(lambda ids: tf.size(ids) > offset + num_steps)
        windows = windows.map(lambda ids: ids[offset : offset + num_steps + 1])
        windows = windows.shuffle(_SHUFFLE_WINDOWS, seed=int(shuffle_seed[0]))
    windows = windows.map(lambda ids: tf.ensure_shape(ids, [num_steps + 1]))
    batches = windows.batch(options.batch_size, drop_remainder=True)
    return batches.map(lambda ids: (ids[:, :-1], ids[:, 1:])).prefetch(tf.data.AUTOTUNE)


def scored_batches(patterns: Sequence[str], split: str, batch_size: int) -> tf.data.Dataset:
    """Serialised scored windows of one split: string[batch_size], the last batch smaller."""

    def of_split(record: tf.Tensor) -> tf.Tensor:
        return parse_scored_windows(record[None])[features.SPLIT][0] == split

    return _records(patterns).filter(of_split).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def parse_scored_windows(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses the features that a model needs.

    Args:
        examples: string[B], serialised scored windows.

    Returns:
        `text` string[B], `context` int64[B], `split` string[B]; `ngram_nats` and `cache_nats`
        float32[B, (n)], a row of which is empty where the window has none.
    """
    nats = tf.io.RaggedFeature(tf.float32, row_splits_dtype=tf.int64)
    return tf.io.parse_example(
        examples,
        {
            features.NGRAM_NATS: nats,
            features.CACHE_NATS: nats,
            features.TEXT: tf.io.FixedLenFeature([], tf.string),
            features.CONTEXT: tf.io.FixedLenFeature([], tf.int64),
            features.SPLIT: tf.io.FixedLenFeature([], tf.string),
        },
    )


def _parse_ids(example: tf.Tensor) -> tf.Tensor:
    feature = tf.io.RaggedFeature(tf.int64)
    return tf.io.parse_single_example(example, {features.IDS: feature})[features.IDS]


def _records(patterns: Sequence[str]) -> tf.data.Dataset:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(files, compression_type="GZIP")
