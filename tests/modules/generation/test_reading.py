import numpy as np
import pytest
import tensorflow as tf

from modules.generation.reading import last_characters, read


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_all_but_the_last_character_is_read(build_model, cell):
    model = build_model(cell, num_layers=2)
    prefixes = [[2], [1, 2, 3, 4, 0, 6, 7], [4, 0]]
    reading = read(model, tf.ragged.constant(prefixes, tf.int64, ragged_rank=1))
    assert reading.position.numpy().tolist() == [0, 0, 0]
    for row, prefix in enumerate(prefixes):
        states = model.initial_state(1)
        for character in prefix[:-1]:
            _, states = model.step(tf.constant([character], tf.int64), states)
        assert reading.recent[row].numpy().tolist() == [0] * (64 - len(prefix)) + prefix
        for got, expected in zip(
            tf.nest.flatten(reading.states), tf.nest.flatten(states), strict=True
        ):
            np.testing.assert_allclose(got[row], expected[0], rtol=1e-5, atol=1e-6)


def test_the_last_characters_end_each_row():
    characters = tf.reshape(tf.range(1, 201, dtype=tf.int64), [2, 100])
    last = last_characters(characters, tf.constant([100, 2]), padding=-1).numpy().tolist()
    assert last == [list(range(37, 101)), [-1] * 62 + [101, 102]]
