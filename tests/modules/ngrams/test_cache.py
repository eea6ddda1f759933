import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.ngrams.cache import cache_log_probabilities

pytestmark = pytest.mark.fast

TEXTS = st.lists(st.integers(0, 3), max_size=40)


def reference(history, character, cache_size, vocab_size):
    """P(character | cache of the history) by the formula, from Counters."""
    cache = history[max(len(history) - cache_size, 0) :]
    probability = 1 / vocab_size
    for order in range(1, min(3, len(cache) + 1) + 1):
        before = tuple(cache[len(cache) - order + 1 :])
        after = Counter(
            cache[n + order - 1]
            for n in range(len(cache) - order + 1)
            if tuple(cache[n : n + order - 1]) == before
        )
        total = sum(after.values())
        if total:
            backed_off = after[character] + len(after) * probability
            probability = backed_off / (total + len(after))
    return probability


def test_by_hand():
    # A cache of 3 characters over a, b, a, b, b, of a vocabulary of 4.
    nats = -cache_log_probabilities(np.array([0, 1, 0, 1, 1]), 3, 4)
    uniform = 1 / 4
    second = (0 + 1 * uniform) / (1 + 1)  # "a": b is not in it; nothing follows a yet
    third = (1 + 2 * uniform) / (2 + 2)  # "ab": nothing follows b yet
    # "aba": of its 3 characters, 2 kinds, 1 is b; after a follows b, once; nothing after ba.
    fourth = (1 + 1 * (1 + 2 * uniform) / (3 + 2)) / (1 + 1)
    # "bab": b twice; after b follows a; after ab nothing any more, since the first a has left.
    fifth = (0 + 1 * (2 + 2 * uniform) / (3 + 2)) / (1 + 1)
    expected = [uniform, second, third, fourth, fifth]
    np.testing.assert_allclose(nats, [-math.log(p) for p in expected])


@given(text=TEXTS, cache_size=st.integers(1, 12))
def test_it_is_what_the_formula_says(text, cache_size):
    expected = [
        math.log(reference(text[:n], character, cache_size, 5)) for n, character in enumerate(text)
    ]
    np.testing.assert_allclose(
        cache_log_probabilities(np.array(text, np.int64), cache_size, 5), expected, rtol=1e-12
    )


@given(history=TEXTS, cache_size=st.integers(1, 12))
def test_the_probabilities_of_all_characters_sum_to_1(history, cache_size):
    total = sum(
        math.exp(cache_log_probabilities(np.array([*history, character]), cache_size, 5)[-1])
        for character in range(5)
    )
    assert total == pytest.approx(1)


def test_what_is_before_the_cache_does_not_matter():
    text = np.random.default_rng(0).integers(0, 6, 300)
    np.testing.assert_array_equal(
        cache_log_probabilities(text[100:], 50, 7)[50:], cache_log_probabilities(text, 50, 7)[150:]
    )


def test_it_takes_a_long_text_at_once():
    text = np.random.default_rng(0).zipf(1.5, 50_000) % 5_000
    nats = -cache_log_probabilities(text, 500, 5_000)
    assert np.isfinite(nats).all()
    assert nats.mean() < math.log(5_000)
