"""Reads the windows that SequenceWindows wrote.

`consecutive` minibatches follow one another in the files; `random` windows are shuffled
anew each epoch. Source: Dive into Deep Learning, section 6.3.
"""

from collections.abc import Sequence

import tensorflow as tf

from modules import features
from modules.windows.windowing import WindowOptions

# All windows of a corpus of a million characters and 35 steps. Those of a larger one are shuffled
# so many at a time: nothing of the corpus's size is held.
_SHUFFLED_WINDOWS = 2**15
_PARSED_WINDOWS = 256  # one by one they would cost as much as a step of training
_MINIBATCHES_AHEAD = 16


def training_batches(
    patterns: Sequence[str], options: WindowOptions, seed: int, epoch: int | tf.Tensor
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
    seeds = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)])
    shuffle_seed, offset_seed = tf.unstack(tf.random.experimental.stateless_split(seeds, 2))
    offset = tf.constant(0)
    if options.random_offset:
        offset = tf.random.stateless_uniform([], offset_seed, 0, num_steps, tf.int32)

    def parse(examples: tf.Tensor) -> tf.Tensor:
        if options.sampling == "random":
            examples = tf.random.experimental.stateless_shuffle(examples, shuffle_seed)
        ids = tf.io.parse_example(examples, {features.IDS: tf.io.RaggedFeature(tf.int64)})
        ids = ids[features.IDS][:, offset : offset + num_steps + 1]
        whole = ids.row_lengths() == num_steps + 1
        if options.random_offset:
            ids = tf.ragged.boolean_mask(ids, whole)
        else:
            tf.debugging.Assert(tf.reduce_all(whole), ["a window is too short:", ids.to_tensor()])
        return tf.reshape(ids.flat_values, [-1, num_steps + 1])

    at_a_time = _SHUFFLED_WINDOWS if options.sampling == "random" else _PARSED_WINDOWS
    windows = _records(patterns).batch(at_a_time).map(parse)
    batches = windows.rebatch(options.batch_size, drop_remainder=True)
    batches = batches.map(lambda ids: tf.ensure_shape(ids, [options.batch_size, num_steps + 1]))
    return batches.map(lambda ids: (ids[:, :-1], ids[:, 1:]))


def training_epochs(
    patterns: Sequence[str], options: WindowOptions, seed: int, epochs: range
) -> tf.data.Dataset:
    """Minibatches of epoch after epoch, the next one's made ready while one is trained on.

    Returns:
        A dataset of (inputs, targets, over), as `training_batches` has them. `over` is bool[]:
        false, but for a minibatch of zeros that marks an epoch's end.
    """
    zeros = tf.zeros([options.batch_size, options.num_steps], tf.int64)
    end = tf.data.Dataset.from_tensors((zeros, zeros, True))

    def minibatches(epoch: tf.Tensor) -> tf.data.Dataset:
        batches = training_batches(patterns, options, seed, epoch)
        return batches.map(lambda *batch: (*batch, False)).concatenate(end)

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    return numbers.flat_map(minibatches).prefetch(_MINIBATCHES_AHEAD)


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


def _records(patterns: Sequence[str]) -> tf.data.Dataset:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(files, compression_type="GZIP")
