"""Scores text with a model, and counts it for the unigram model, inside the graph."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from modules import features
from modules.dataset import parse_scored_windows
from modules.model import LanguageModel
from modules.vocabulary import Vocabulary


class Scores(NamedTuple):
    """What was scored of each of B texts.

    Attributes:
        character_nats: float32[B, (n)], each character's negative log-likelihood.
        ids: int64[B, (n)], the scored characters as indices.
        codes: int32[B, (n)], the same as code points.
    """

    character_nats: tf.RaggedTensor
    ids: tf.RaggedTensor
    codes: tf.RaggedTensor

    @property
    def nats(self) -> tf.Tensor:
        """Of each text, float32[B]."""
        return tf.reduce_sum(self.character_nats, axis=1)


def score_texts(
    model: LanguageModel, vocabulary: Vocabulary, texts: tf.Tensor, context: tf.Tensor
) -> Scores:
    r"""Scores each text after its context, reading from a line end and a zero state.

        text      春 天 来 了        context = 1
        inputs    \n 春 天 来        the text moved right, a line end before it
        targets   春 天 来 了
        scored    .  x  x  x

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        texts: string[B].
        context: int64[B], leading characters of each text that are read but not scored.
    """
    ids = vocabulary.encode(texts)  # [B, (n)]
    targets = ids.to_tensor()  # [B, n], short texts filled up with 0
    line_ends = tf.fill([tf.shape(targets)[0], 1], vocabulary.line_end_id())
    inputs = tf.concat([line_ends, targets], axis=1)[:, :-1]  # [B, n]
    logits, _ = model(inputs, model.initial_state(tf.shape(inputs)[0]))  # [B, n, vocab_size]
    nats = negative_log_likelihood(logits, targets)  # [B, n]
    nats = _after(context, tf.RaggedTensor.from_tensor(nats, ids.row_lengths()))
    codes = vocabulary.code_points(texts)
    return Scores(nats, _after(context, ids), _after(context, codes))


def negative_log_likelihood(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Nats of each target: [..., vocab_size] and int64[...] to float32[...]."""
    chosen = tf.gather(logits, targets, batch_dims=targets.shape.rank)
    return tf.reduce_logsumexp(logits, axis=-1) - chosen


def unigram_log_probabilities(batches: Iterable[tf.Tensor], vocabulary: Vocabulary) -> np.ndarray:
    """The add-one unigram model of the characters scored in `batches`.

    Args:
        batches: string[B] each, serialised scored windows.
        vocabulary: whose entries are counted; `<unk>` too has its one.

    Returns:
        log P, float64[vocab_size].
    """
    counts = np.ones(vocabulary.size)
    for batch in batches:
        windows = parse_scored_windows(batch)
        ids = _after(windows[features.CONTEXT], vocabulary.encode(windows[features.TEXT]))
        counts += np.bincount(ids.flat_values.numpy(), minlength=vocabulary.size)
    return np.log(counts / counts.sum())


def _after(context: tf.Tensor, rows: tf.RaggedTensor) -> tf.RaggedTensor:
    """Drops the first `context[b]` entries of each row."""
    steps = tf.ragged.range(rows.row_lengths())  # [B, (n)]
    return tf.ragged.boolean_mask(rows, steps >= context[:, None])
