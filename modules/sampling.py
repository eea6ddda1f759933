"""Writes text, a character at a time, wholly inside the graph.

Source: Dive into Deep Learning, section 6.4.4 (`predict_rnn`), with temperature and top-k.
"""

from typing import NamedTuple

import tensorflow as tf

from modules.model import LanguageModel
from modules.vocabulary import UNKNOWN_ID


class Request(NamedTuple):
    """What to write for each of B prefixes.

    Attributes:
        prefix: int64[B, (n)], one character or more.
        num_chars: int32[B], characters to append, 0 or more.
        temperature: float32[B]; 0 takes the likeliest character.
        top_k: int32[B]; draw from the k likeliest, 0 draws from all.
        seed: int64[B]; a row's text depends on its own seed only, not on its neighbours.
    """

    prefix: tf.RaggedTensor
    num_chars: tf.Tensor
    temperature: tf.Tensor
    top_k: tf.Tensor
    seed: tf.Tensor


def generate(model: LanguageModel, request: Request) -> tf.RaggedTensor:
    """Appends to each prefix: int64[B, (num_chars)], the new characters only.

    One loop reads the prefixes and writes on: while a row still has prefix left its next
    input is from there, after that it is the character drawn last.
    """
    lengths = tf.cast(request.prefix.row_lengths(), tf.int32)  # [B]
    prefix = request.prefix.to_tensor()  # [B, longest prefix]
    # The last character drawn need not be read; the first of the prefix always is.
    num_steps = tf.maximum(tf.reduce_max(lengths + request.num_chars) - 1, 1)
    draws = _uniform(request.seed, num_steps)  # [B, num_steps]

    def read_and_draw(step, inputs, state, written):
        logits, state = model.step(inputs, state)  # [B, vocab_size]
        ids = choose(logits, request.temperature, request.top_k, draws[:, step])  # [B]
        written = written.write(step, ids)
        next_step = tf.minimum(step + 1, tf.shape(prefix)[1] - 1)
        inputs = tf.where(step + 1 < lengths, prefix[:, next_step], ids)
        return step + 1, inputs, state, written

    _, _, _, written = tf.while_loop(
        lambda step, *_: step < num_steps,
        read_and_draw,
        (
            tf.constant(0),
            prefix[:, 0],
            model.initial_state(tf.shape(prefix)[0]),
            tf.TensorArray(tf.int64, num_steps, element_shape=[None]),
        ),
    )
    columns = tf.transpose(written.stack())  # [B, num_steps]
    steps = tf.range(num_steps)
    first = lengths[:, None] - 1  # what is drawn on reading the prefix's last character
    return tf.ragged.boolean_mask(
        columns, (steps >= first) & (steps < first + request.num_chars[:, None])
    )


def choose(
    logits: tf.Tensor, temperature: tf.Tensor, top_k: tf.Tensor, draws: tf.Tensor
) -> tf.Tensor:
    """Draws a character a row by inverting the cumulative distribution; never `<unk>`.

    Args:
        logits: float32[B, vocab_size].
        temperature: float32[B].
        top_k: int32[B].
        draws: float32[B], uniform in [0, 1).

    Returns:
        int64[B].
    """
    vocab_size = logits.shape[-1]
    logits = tf.where(tf.range(vocab_size) == UNKNOWN_ID, logits.dtype.min, logits)
    greedy = temperature == 0
    ordered, ids = tf.math.top_k(logits, vocab_size)  # [B, vocab_size], the likeliest first
    others = vocab_size - 1
    kept = tf.range(vocab_size) < tf.where(top_k == 0, others, tf.minimum(top_k, others))[:, None]
    scaled = ordered / tf.where(greedy, 1.0, temperature)[:, None]
    probabilities = tf.nn.softmax(tf.where(kept, scaled, logits.dtype.min))
    cumulative = tf.cumsum(probabilities, axis=-1)
    # Rounding may leave the last sum short of 1, so the draw is measured against that sum.
    below = cumulative <= draws[:, None] * cumulative[:, -1:]
    rank = tf.where(greedy, 0, tf.math.count_nonzero(below, axis=-1, dtype=tf.int32))
    return tf.cast(tf.gather(ids, rank, batch_dims=1), tf.int64)


def _uniform(seeds: tf.Tensor, num_steps: tf.Tensor) -> tf.Tensor:
    """Numbers in [0, 1) that depend on a row's seed and nothing else: [B, num_steps]."""
    return tf.map_fn(
        lambda seed: tf.random.stateless_uniform([num_steps], tf.stack([seed, 0])),
        seeds,
        fn_output_signature=tf.float32,
    )
