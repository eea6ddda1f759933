from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from modules.generation.beam_search import search
from modules.generation.reading import read
from modules.network.model import LanguageModel


def found(model, prefixes, num_chars, width) -> tuple[np.ndarray, np.ndarray]:
    reading = read(model, tf.ragged.constant(prefixes, tf.int64, ragged_rank=1))
    rows = (tf.constant(np.broadcast_to(v, [len(prefixes)]), tf.int32) for v in (num_chars, width))
    beams = search(model, reading, *rows)
    return beams.ids.numpy(), beams.log_probabilities.numpy()


def log_probability(model: LanguageModel, prefix: list[int], text: list[int]) -> float:
    inputs = tf.constant([prefix + text], tf.int64)
    logits = model(inputs, model.initial_state(1))[0].numpy()[0].astype(np.float64)
    nats = np.log(np.exp(logits).sum(axis=1))[:, None] - logits
    return -sum(nats[len(prefix) - 1 + i, character] for i, character in enumerate(text))


def all_texts(model, prefix, num_chars) -> list[tuple[float, list[int]]]:
    """Every text without <unk>, the likeliest first."""
    texts = map(list, product(range(1, model.vocab_size), repeat=num_chars))
    return sorted(((log_probability(model, prefix, text), text) for text in texts), reverse=True)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_beam_as_wide_as_there_are_texts_finds_the_likeliest(build_model, cell):
    model = build_model(cell, vocab_size=4, num_layers=2, seed=3)
    prefixes = [[1], [2, 0, 3]]
    ids, scores = found(model, prefixes, 3, 16)
    assert (np.diff(scores) <= 0).all()
    for row, prefix in enumerate(prefixes):
        # Of one or two characters there are no more than 9: none is lost before the third.
        expected = all_texts(model, prefix, 3)[:16]
        assert ids[row].tolist() == [text for _, text in expected]
        np.testing.assert_allclose(scores[row], [nats for nats, _ in expected], rtol=1e-4)


def test_there_may_be_fewer_texts_than_asked_for(build_model):
    model = build_model(vocab_size=4, seed=3)
    ids, scores = found(model, [[1]], 1, 16)
    assert ids[0, :3].tolist() == [text for _, text in all_texts(model, [1], 1)]
    assert np.isfinite(scores[0]).tolist() == [True] * 3 + [False] * 13


def test_the_narrowest_beam_is_greedy(build_model):
    model = build_model("lstm", seed=5)
    ids, scores = found(model, [[2, 5], [4]], 20, 1)
    for (text,), (score,), prefix in zip(ids.tolist(), scores, [[2, 5], [4]], strict=True):
        logits = model(tf.constant([prefix + text], tf.int64), model.initial_state(1))[0].numpy()
        likeliest = 1 + logits[0, len(prefix) - 1 : -1, 1:].argmax(axis=-1)
        assert text == likeliest.tolist()
        assert score == pytest.approx(log_probability(model, prefix, text), rel=1e-4)


def test_rows_have_their_own_lengths_and_widths(build_model):
    model = build_model("gru", num_layers=2, seed=5)
    prefixes, lengths, widths = [[2, 5], [4], [3] * 9], [7, 0, 3], [2, 5, 4]
    ids, scores = found(model, prefixes, lengths, widths)
    for row, (prefix, length, width) in enumerate(zip(prefixes, lengths, widths, strict=True)):
        alone, alone_scores = found(model, [prefix], length, width)
        texts = 1 if length == 0 else width
        assert ids[row, :texts, :length].tolist() == alone[0, :texts].tolist()
        np.testing.assert_allclose(scores[row, :width], alone_scores[0], rtol=1e-5)
        assert np.isneginf(scores[row, texts:]).all()
        assert len({tuple(text) for text in alone[0, :texts].tolist()}) == texts
