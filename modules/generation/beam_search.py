"""Looks for the likeliest texts, wholly inside the graph.

Source: Dive into Deep Learning, section 10.8 (beam search), without its penalty on length: all
texts of a row are of the same length.
"""

from typing import NamedTuple

import tensorflow as tf

from modules.generation.reading import Reading
from modules.generation.sampling import never_unknown
from modules.network.model import LanguageModel
from modules.network.stack import States


class Beams(NamedTuple):
    """The likeliest texts that were found for each of B rows, W at most, the likeliest first.

    Attributes:
        ids: int64[B, W, n], the new characters; what stands after a row's `num_chars`, or where
            there is no text, means nothing.
        log_probabilities: float32[B, W], nats; -inf where there is no text.
    """

    ids: tf.Tensor
    log_probabilities: tf.Tensor


def search(model: LanguageModel, reading: Reading, num_chars: tf.Tensor, width: tf.Tensor) -> Beams:
    """Writes on, following the likeliest texts of each length; never `<unk>`.

    Args:
        model: what writes.
        reading: where B texts stand.
        num_chars: int32[B], characters to append.
        width: int32[B], texts to follow in each row; with 1 it is the greedy text.
    """
    most, num_steps = tf.reduce_max(width), tf.reduce_max(num_chars)
    shape = tf.stack([tf.shape(width)[0], most])  # of B rows, W texts
    never = never_unknown(model.vocab_size)
    beams = tf.range(most)
    first_of_row = tf.range(shape[0])[:, None] * most  # [B, 1], in states of [B * W, ...]

    def extend(step, ids, scores, states, parents, characters):
        logits, states = model.step(ids, states)  # [B * W, vocab_size]
        log_probabilities = tf.nn.log_softmax(logits) + never
        log_probabilities = tf.reshape(log_probabilities, [*tf.unstack(shape), model.vocab_size])
        extended = scores[:, :, None] + log_probabilities  # [B, W, vocab_size]
        extended = tf.reshape(extended, [shape[0], most * model.vocab_size])
        best, places = tf.math.top_k(extended, most)  # [B, W]
        goes_on = step < num_chars[:, None]  # [B, 1]
        parent = tf.where(goes_on, places // model.vocab_size, beams)  # [B, W]
        best = tf.where(beams < width[:, None], best, float("-inf"))
        scores = tf.where(goes_on, best, scores)
        ids = places % model.vocab_size
        states = _gather(states, tf.reshape(first_of_row + parent, [-1]))
        parents, characters = parents.write(step, parent), characters.write(step, ids)
        return step + 1, tf.reshape(ids, [-1]), scores, states, parents, characters

    # All texts are the same at first: one of them counts.
    scores = tf.broadcast_to(tf.where(beams == 0, 0.0, float("-inf")), shape)
    states = tf.nest.map_structure(lambda h: tf.repeat(h, most, axis=0), reading.states)
    ids = tf.repeat(tf.cast(reading.recent[:, -1], tf.int32), most)  # [B * W]
    arrays = [tf.TensorArray(tf.int32, num_steps, element_shape=[None, None]) for _ in range(2)]
    _, _, scores, _, parents, characters = tf.while_loop(
        lambda step, *_: step < num_steps, extend, (tf.constant(0), ids, scores, states, *arrays)
    )
    return Beams(_trace_back(parents, characters, num_steps, shape), scores)


def _trace_back(
    parents: tf.TensorArray, characters: tf.TensorArray, num_steps: tf.Tensor, shape: tf.Tensor
) -> tf.Tensor:
    """Follows the beams from their ends: int32[B, W] of each step to int64[B, W, num_steps]."""

    def step_back(step, beams, texts):
        texts = texts.write(step, tf.gather(characters.read(step), beams, batch_dims=1))
        return step - 1, tf.gather(parents.read(step), beams, batch_dims=1), texts

    beams = tf.broadcast_to(tf.range(shape[1]), shape)
    # There is always a first one, which tells the shape where nothing is written.
    texts = tf.TensorArray(tf.int32, tf.maximum(num_steps, 1), element_shape=[None, None])
    _, _, texts = tf.while_loop(
        lambda step, *_: step >= 0, step_back, (num_steps - 1, beams, texts.write(0, beams))
    )
    return tf.cast(tf.transpose(texts.stack()[:num_steps], [1, 2, 0]), tf.int64)


def _gather(states: States, rows: tf.Tensor) -> States:
    return tf.nest.map_structure(lambda state: tf.gather(state, rows), states)
