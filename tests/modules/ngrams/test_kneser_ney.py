import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.ngrams.counts import Stretch, count, merge
from modules.ngrams.kneser_ney import KneserNey, _discounts

pytestmark = pytest.mark.fast


def model(texts, vocab_size, order):
    return KneserNey(
        count([Stretch(np.array(text, np.int64), 0) for text in texts], vocab_size, 0, order)
    )


def probability(model, history, character):
    return math.exp(model.log_probabilities(np.array([*history, character]))[-1])


# Witten-Bell: so few characters have no four counts of counts.


def test_a_unigram_by_hand():
    # "aab": counts 2, 1, and 2 kinds of 3 characters; a third entry was never seen.
    counts = model([[1, 1, 2]], vocab_size=3, order=1)
    for character, seen in enumerate([0, 2, 1]):
        assert probability(counts, [], character) == pytest.approx((seen + 2 / 3) / (3 + 2))


def test_a_bigram_by_hand():
    # Of "aabab" the bigrams are aa, ab (twice) and ba. Below them count histories: a is found
    # after a and b, b after a only; 3 in all, of 2 kinds.
    counts = model([[1, 1, 2, 1, 2]], vocab_size=3, order=2)
    below = {0: (0 + 2 / 3) / 5, 1: (2 + 2 / 3) / 5, 2: (1 + 2 / 3) / 5}
    for character, seen in {0: 0, 1: 1, 2: 2}.items():  # after a: 3, of 2 kinds
        expected = (seen + 2 * below[character]) / 5
        assert probability(counts, [1], character) == pytest.approx(expected)
    for character, seen in {0: 0, 1: 1, 2: 0}.items():  # after b: 1, of 1 kind
        expected = (seen + 1 * below[character]) / 2
        assert probability(counts, [2], character) == pytest.approx(expected)
    for character in range(3):  # nothing was ever seen after <unk>
        assert probability(counts, [0], character) == pytest.approx(below[character])


# Kneser-Ney: characters 1 to 12 of counts 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6.

SEEN = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]
Y = 4 / (4 + 2 * 3)
D1, D2, D3 = 1 - 2 * Y * 3 / 4, 2 - 3 * Y * 2 / 3, 3 - 4 * Y * 1 / 2


def test_three_discounts_by_hand():
    text = [n for n, times in enumerate(SEEN, 1) for _ in range(times)]
    counts = model([text], vocab_size=13, order=1)
    np.testing.assert_allclose([D1, D2, D3], [0.4, 1.2, 2.2])
    base = (4 * D1 + 3 * D2 + 5 * D3) / 31 / 13
    for character, expected in {
        0: base,
        1: (1 - D1) / 31 + base,
        5: (2 - D2) / 31 + base,
        8: (3 - D3) / 31 + base,
        12: (6 - D3) / 31 + base,
    }.items():
        assert probability(counts, [], character) == pytest.approx(expected)


def test_many_ngrams_are_not_too_thin():
    # Of each count so many that the product of the four, 2^64, is 0 in 64 bits.
    seen = np.repeat([1, 2, 3, 4], 2**16)
    np.testing.assert_allclose(_discounts(seen), [0, 1 - 2 / 3, 2 - 1, 3 - 4 / 3])


def test_below_the_highest_order_histories_are_counted():
    # Every character n is seen once after each of SEEN[n] others, 13 and up, and character 1
    # a hundred times after one of them: that does not make it likelier after another.
    pairs = [(12 + after, n) for n, times in enumerate(SEEN, 1) for after in range(1, times + 1)]
    once, often = model(pairs, 20, 2), model([*pairs, *[pairs[0]] * 99], 20, 2)
    assert probability(often, [13], 1) > 0.8
    new_history = [19]
    assert probability(often, new_history, 1) == pytest.approx(probability(once, new_history, 1))
    assert probability(once, new_history, 1) == pytest.approx(probability(once, new_history, 2))


def reference(texts, vocab_size, order, history, character):
    """P(character | history) by the formulas, from Counters."""
    history = tuple(history)[max(len(history) - order + 1, 0) :]

    def seen(length):
        grams = Counter()
        for text in texts:
            for start in range(len(text) - length + 1):
                grams[tuple(text[start : start + length])] += 1
        return grams

    def below(history):
        if history is None:
            return 1 / vocab_size
        length = len(history) + 1
        grams = seen(length)
        if length < order:
            grams = Counter(gram[1:] for gram in seen(length + 1))
        total = sum(n for gram, n in grams.items() if gram[:-1] == history)
        shorter = history[1:] if history else None
        if not total:
            return below(shorter)
        of = Counter(grams.values())
        mine = grams[(*history, character)]
        follow = [n for gram, n in grams.items() if gram[:-1] == history]
        discount = None
        if all(of[n] for n in (1, 2, 3, 4)):
            y = of[1] / (of[1] + 2 * of[2])
            values = [n - (n + 1) * y * of[n + 1] / of[n] for n in (1, 2, 3)]
            if all(0 < value < n for n, value in enumerate(values, 1)):
                discount = dict(enumerate([0, *values]))
        if discount is None:
            return (mine + len(follow) * below(shorter)) / (total + len(follow))
        taken = sum(discount[min(n, 3)] for n in follow)
        return (mine - discount[min(mine, 3)] + taken * below(shorter)) / total

    return below(history)


def zipf(length, vocab_size, seed):
    """A random text in which some characters are much more frequent than others."""
    weights = 1 / np.arange(1, vocab_size + 1)
    return np.random.default_rng(seed).choice(vocab_size, length, p=weights / weights.sum())


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_it_is_what_the_formulas_say(order):
    texts = [zipf(150, 9, seed).tolist() for seed in range(2)]
    counts = model(texts, 10, order)
    sequence = zipf(40, 10, seed=5)
    expected = [
        math.log(reference(texts, 10, order, sequence[:n].tolist(), sequence[n]))
        for n in range(len(sequence))
    ]
    np.testing.assert_allclose(counts.log_probabilities(sequence), expected, rtol=1e-9)
    assert counts.log_probability(sequence) == pytest.approx(sum(expected))


def test_both_smoothings_are_met_in_that_text():
    texts = [zipf(150, 9, seed).tolist() for seed in range(2)]
    levels = count([Stretch(np.array(text), 0) for text in texts], 10, 0, 4).levels
    assert _discounts(levels[1].counts) is not None
    assert _discounts(levels[0].counts) is None


@settings(max_examples=60)
@given(
    text=st.lists(st.integers(1, 5), min_size=1, max_size=80),
    order=st.integers(1, 6),
    history=st.lists(st.integers(0, 6), max_size=6),
)
def test_the_probabilities_of_all_characters_sum_to_1(text, order, history):
    counts = model([text, text[::2]], vocab_size=7, order=order)
    probabilities = [probability(counts, history, character) for character in range(7)]
    assert min(probabilities) > 0
    assert sum(probabilities) == pytest.approx(1)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_they_do_too_with_discounts_and_long_histories(order):
    counts = model([zipf(400, 8, seed=1)], vocab_size=9, order=order)
    for history in itertools.product(range(9), repeat=order - 1):
        total = sum(probability(counts, history, character) for character in range(9))
        assert total == pytest.approx(1)


def test_a_lower_order_of_the_same_counts():
    text = zipf(300, 8, seed=2)
    counts = count([Stretch(text, 0)], 9, 0, 5)
    np.testing.assert_array_equal(
        KneserNey(counts, 3).log_probabilities(text[:50]),
        model([text], 9, 3).log_probabilities(text[:50]),
    )


def test_only_the_last_characters_before_one_matter():
    text = zipf(300, 8, seed=3)
    counts = model([text], 9, order=4)
    np.testing.assert_array_equal(
        counts.log_probabilities(text[40:60])[3:], counts.log_probabilities(text)[43:60]
    )


def test_no_characters_have_no_log_probabilities():
    counts = model([[1, 2]], 3, order=5)  # there is no 3-gram
    assert counts.log_probabilities(np.array([], np.int64)).shape == (0,)
    assert counts.log_probability(np.array([], np.int64)) == 0
    assert np.isfinite(counts.log_probabilities(np.array([1, 2, 0, 1, 2, 2]))).all()


def test_a_count_of_parts_makes_the_same_model():
    texts = [zipf(100, 8, seed) for seed in range(3)]
    parts = [count([Stretch(text, 0)], 9, 0, 3) for text in texts]
    sequence = zipf(30, 9, seed=9)
    np.testing.assert_array_equal(
        KneserNey(merge(parts)).log_probabilities(sequence),
        model(texts, 9, 3).log_probabilities(sequence),
    )
