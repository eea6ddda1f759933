"""Reads texts that are to be written on, wholly inside the graph.

Source: Dive into Deep Learning, section 6.4.4 (the warm-up of `predict_rnn`).
"""

from typing import NamedTuple

import tensorflow as tf

from modules import contract
from modules.network.model import LanguageModel
from modules.network.stack import States


class Reading(NamedTuple):
    """How far each of B texts has been read and written: all that it takes to write on.

    Attributes:
        states: after all but the last character.
        recent: int64[B, NUM_RECENT], the last characters, with zeros before those of a short text.
        position: int64[B], how many characters have been written.
    """

    states: States
    recent: tf.Tensor
    position: tf.Tensor


def read(model: LanguageModel, prefix: tf.RaggedTensor) -> Reading:
    """Reads all but the last character of each prefix: int64[B, (n)], one character or more."""
    lengths = tf.cast(prefix.row_lengths(), tf.int32)  # [B]
    characters = prefix.to_tensor()  # [B, n]

    def read_next(step: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        _, read_on = model.read(tf.gather(characters, step, axis=1), states)
        return step + 1, where(step < lengths - 1, read_on, states)

    _, states = tf.while_loop(
        lambda step, _: step < tf.shape(characters)[1] - 1,
        read_next,
        (tf.constant(0), model.initial_state(tf.shape(characters)[0])),
    )
    recent = last_characters(characters, lengths)
    return Reading(states, recent, tf.zeros_like(recent[:, 0]))


def last_characters(characters: tf.Tensor, lengths: tf.Tensor, padding: int = 0) -> tf.Tensor:
    """The last NUM_RECENT of the first `lengths[b]` in each row, padded on the left.

    Args:
        characters: int64[B, n].
        lengths: int32[B] or int64[B], at most n.
        padding: what stands before those of a shorter row.

    Returns:
        int64[B, NUM_RECENT].
    """
    room = [[0, 0], [contract.NUM_RECENT, 0]]
    padded = tf.pad(characters, room, constant_values=padding)  # [B, NUM_RECENT + n]
    places = lengths[:, None] + tf.range(
        contract.NUM_RECENT, dtype=lengths.dtype
    )  # [B, NUM_RECENT]
    return tf.gather(padded, places, batch_dims=1)


def where(condition: tf.Tensor, states: States, otherwise: States) -> States:
    """Of each row, the state of `states` where the condition, bool[B], holds, or the other."""
    return tf.nest.map_structure(
        lambda new, old: tf.where(condition[:, None], new, old), states, otherwise
    )
