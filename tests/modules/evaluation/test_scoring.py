import numpy as np
import pytest
import tensorflow as tf

from modules.evaluation.scoring import (
    negative_log_likelihood,
    ranks,
    score_texts,
    unigram_log_probabilities,
)

NEWLINE = 1


def nats_by_hand(model, ids, context=0):
    """One character after the other, in NumPy's double precision."""
    state, total = model.initial_state(1), 0.0
    for position, (previous, target) in enumerate(zip([NEWLINE, *ids], ids, strict=False)):
        logits, state = model.step(tf.constant([previous], tf.int64), state)
        logits = logits.numpy()[0].astype(np.float64)
        if position >= context:
            total += np.log(np.exp(logits).sum()) - logits[target]
    return total


def scores_of(model, vocabulary, texts, context=None):
    context = [0] * len(texts) if context is None else context
    return score_texts(model, vocabulary, tf.constant(texts), tf.constant(context, tf.int64))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_scores_are_those_of_a_plain_loop(build_model, vocabulary, cell):
    model = build_model(cell, num_layers=2)
    scores = scores_of(model, vocabulary, ["a春\nb𠮷 夏c", "b", "\n\n"], [0, 0, 0])
    assert scores.ids.to_list() == [[3, 6, 1, 4, 7, 2, 0, 5], [4], [1, 1]]
    assert scores.codes.to_list()[0] == [ord(c) for c in "a春\nb𠮷 夏c"]
    expected = [nats_by_hand(model, ids) for ids in scores.ids.to_list()]
    np.testing.assert_allclose(scores.nats, expected, rtol=1e-5)


def test_the_context_is_read_but_not_scored(build_model, vocabulary):
    model = build_model()
    scores = scores_of(model, vocabulary, ["a春\nb", "a春\nb", "a春\nb"], [0, 3, 4])
    assert scores.ids.to_list() == [[3, 6, 1, 4], [4], []]
    assert scores.codes.to_list()[1] == [ord("b")]
    expected = [nats_by_hand(model, [3, 6, 1, 4], context) for context in (0, 3, 4)]
    np.testing.assert_allclose(scores.nats, expected, rtol=1e-5)
    assert scores.nats[2] == 0
    alone = scores_of(model, vocabulary, ["b"]).nats[0]
    assert abs(alone - scores.nats[1]) > 1e-3  # without its context it scores otherwise


def test_short_texts_score_the_same_beside_long_ones(build_model, vocabulary):
    model = build_model("lstm")
    texts, context = ["ab", "a春\nb𠮷 夏c" * 5, "c", "b a"], [1, 30, 0, 0]
    together = scores_of(model, vocabulary, texts, context).nats
    alone = [
        scores_of(model, vocabulary, [text], [skipped]).nats[0]
        for text, skipped in zip(texts, context, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_more_characters_than_are_predicted_at_a_time(build_model, vocabulary):
    model = build_model()
    text = "a春\nb𠮷 夏c" * 200
    scores = scores_of(model, vocabulary, [text, "b", text[:1100]], [100, 0, 0])
    assert scores.ids.row_lengths().numpy().tolist() == [1500, 1, 1100]
    ids = vocabulary.encode(tf.constant([text])).to_list()[0]
    expected = [nats_by_hand(model, ids, 100), nats_by_hand(model, [4])]
    np.testing.assert_allclose(scores.nats[:2], expected, rtol=1e-5)
    first = scores.character_nats.to_list()
    np.testing.assert_allclose(first[0][:1000], first[2][100:], rtol=1e-5)


@pytest.mark.parametrize("ranked", [False, True])
def test_nothing_to_score(build_model, vocabulary, ranked):
    texts, context = tf.constant(["ab", "b"]), tf.constant([2, 1], tf.int64)
    scores = score_texts(build_model(), vocabulary, texts, context, ranked)
    assert scores.nats.numpy().tolist() == [0, 0]
    assert (scores.ranks is not None) == ranked
    assert not ranked or scores.ranks.to_list() == [[], []]


def test_negative_log_likelihood_by_hand():
    odds = tf.math.log([[1.0, 3.0], [1.0, 1.0]])
    nats = negative_log_likelihood(odds, tf.constant([1, 0], tf.int64))
    np.testing.assert_allclose(nats, [-np.log(3 / 4), -np.log(1 / 2)], rtol=1e-6)


def test_large_logits_do_not_overflow():
    nats = negative_log_likelihood(tf.constant([[1e4, 0.0]]), tf.constant([1], tf.int64))
    assert nats.numpy().tolist() == [1e4]


def test_ranks_by_hand():
    logits = tf.constant([[1.0, 3.0, 2.0], [1.0, 1.0, 5.0]])
    assert ranks(logits, tf.constant([2, 0], tf.int64)).numpy().tolist() == [2, 2]


def test_the_unigram_model_by_hand(vocabulary, scored_window):
    batches = [
        tf.constant([scored_window("aab").SerializeToString()]),
        tf.constant(
            [
                scored_window("a春春", context=1).SerializeToString(),
                scored_window("夏", context=1).SerializeToString(),
                scored_window("夏").SerializeToString(),
            ]
        ),
    ]
    # Scored: a a b 春 春 <unk>, and one of each of the eight entries.
    counts = np.array([2, 1, 1, 3, 2, 1, 3, 1])
    log_probabilities = unigram_log_probabilities(batches, vocabulary)
    np.testing.assert_allclose(log_probabilities, np.log(counts / 14), rtol=1e-6)


def test_nothing_counted_is_the_uniform_model(vocabulary):
    np.testing.assert_allclose(unigram_log_probabilities([], vocabulary), -np.log([8.0] * 8))
