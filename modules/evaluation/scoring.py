"""Scores text inside the graph: with a model, and with what it is compared with."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from modules import features
from modules.evaluation.chunks import PREDICTED_AT_A_TIME, in_chunks
from modules.evaluation.figures import PARTS, Weights
from modules.network.model import Model
from modules.vocabulary.indices import Vocabulary
from modules.windows.dataset import parse_scored_windows


class Scores(NamedTuple):
    """What was scored of each of B texts.

    Attributes:
        character_nats: float32[B, (n)], each character's negative log-likelihood.
        ids: int64[B, (n)], the scored characters as indices.
        codes: int32[B, (n)], the same as code points.
        ranks: int32[B, (n)], theirs among all of the vocabulary: 1 is the likeliest. None where
            nobody asked.
    """

    character_nats: tf.RaggedTensor
    ids: tf.RaggedTensor
    codes: tf.RaggedTensor
    ranks: tf.RaggedTensor | None

    @property
    def nats(self) -> tf.Tensor:
        """Of each text, float32[B]."""
        return tf.reduce_sum(self.character_nats, axis=1)


def score_texts(
    model: Model,
    vocabulary: Vocabulary,
    texts: tf.Tensor,
    context: tf.Tensor,
    ranked: bool = False,
) -> Scores:
    """Scores each text after its context, as what stands after a line end.

    A language model's characters are predicted from those before them: it reads from the line
    end, in a zero state. A fill-in model's are predicted from those on both sides, with a line
    end after the text too; so the last characters of a window that does not end its document
    are predicted from a little less than there is. The mean of a fill-in model's nats is the
    logarithm of its pseudo-perplexity.

    Source: Salazar et al. (2020), "Masked language model scoring".

    Args:
        model: of either task.
        vocabulary: what it was trained with.
        texts: string[B].
        context: int64[B], leading characters of each text that are read but not scored.
        ranked: whether to rank characters too, which takes half as long again.
    """
    ids = vocabulary.encode(texts)  # [B, (n)]
    units = model.read_texts(ids, vocabulary.line_end_id())  # [B, n, num_units]
    units = tf.RaggedTensor.from_tensor(units, ids.row_lengths())
    ids, codes, units = _after(context, ids, vocabulary.code_points(texts), units)

    def score(units: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = model.output(units)  # [N, vocab_size]
        scores = {"nats": negative_log_likelihood(logits, targets)}
        return scores | ({"ranks": ranks(logits, targets)} if ranked else {})

    specs = {"nats": tf.TensorSpec([None], tf.float32)}
    specs |= {"ranks": tf.TensorSpec([None], tf.int32)} if ranked else {}
    scores = in_chunks(
        score, units.flat_values, ids.flat_values, size=PREDICTED_AT_A_TIME, specs=specs
    )
    rows = {name: ids.with_flat_values(values) for name, values in scores.items()}
    return Scores(rows["nats"], ids, codes, rows.get("ranks"))


def negative_log_likelihood(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Nats of each target: [N, vocab_size] and int64[N] to float32[N]."""
    chosen = tf.gather(logits, targets, batch_dims=1)
    return tf.reduce_logsumexp(logits, axis=1) - chosen


def ranks(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Of each target among all entries: [N, vocab_size] and int64[N] to int32[N], from 1 on."""
    likelier = logits > tf.gather(logits, targets, batch_dims=1)[:, None]  # [N, vocab_size]
    return 1 + tf.math.count_nonzero(likelier, axis=1, dtype=tf.int32)


def part_log_probabilities(scores: Scores, windows: dict[str, tf.Tensor]) -> tf.Tensor:
    """What the parts of a mixture say of the scored characters.

    Args:
        scores: the network's, of B windows.
        windows: the same windows, as `dataset.parse_scored_windows` returns them.

    Returns:
        float32[characters, 3], of all windows one after the other: log P under each of PARTS; NaN
        where a window does not tell.
    """
    lengths = scores.ids.row_lengths()  # [B]
    ngram = _fill_up(windows[features.NGRAM_NATS], lengths)  # [B, (n)]
    cache = _fill_up(windows[features.CACHE_NATS], lengths)
    nats = [rows.flat_values for rows in (scores.character_nats, ngram, cache)]
    return -tf.stack(nats, axis=1)  # [characters, 3]


def mix(log_probabilities: tf.Tensor, weights: Weights) -> tf.Tensor:
    """Log P under a mixture of some of PARTS: float32[characters, 3] to float32[characters].

    A part of weight 0 has no say in it, whatever it says.
    """
    chosen = tf.gather(log_probabilities, [PARTS.index(part) for part in weights], axis=1)
    shares = tf.stack(list(weights.values()))  # [parts]
    terms = chosen + tf.math.log(shares)  # [characters, parts]
    terms = tf.where(tf.equal(shares, 0), -math.inf, terms)
    return tf.reduce_logsumexp(terms, axis=1)


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
        (ids,) = _after(windows[features.CONTEXT], vocabulary.encode(windows[features.TEXT]))
        counts += np.bincount(ids.flat_values.numpy(), minlength=vocabulary.size)
    return np.log(counts / counts.sum())


def _after(context: tf.Tensor, *rows: tf.RaggedTensor) -> list[tf.RaggedTensor]:
    """Drops the first `context[b]` entries of each row, of ragged tensors of one shape."""
    # By tf.ragged's own mask, these few operations would be hundreds, for each of the tensors.
    lengths = rows[0].row_lengths()  # [B]
    is_context = tf.sequence_mask(context, tf.reduce_max(lengths))  # [B, n]
    is_left = ~tf.boolean_mask(is_context, tf.sequence_mask(lengths))  # [sum of n]
    left = tf.maximum(lengths - context, 0)  # [B]
    return [
        tf.RaggedTensor.from_row_lengths(tf.boolean_mask(row.flat_values, is_left), left)
        for row in rows
    ]


def _fill_up(nats: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """Brings each row to its length, with NaN."""
    missing = lengths - nats.row_lengths()  # [B]
    filling = tf.fill([tf.reduce_sum(missing)], math.nan)
    return tf.concat([nats, tf.RaggedTensor.from_row_lengths(filling, missing)], axis=1)
