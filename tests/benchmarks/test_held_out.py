"""N-grams beside the network; the whole measurement is in tests/e2e/test_mixture.py."""

import numpy as np
import pytest

from benchmarks.held_out import score_ngrams
from modules.ngrams.counts import Stretch, count


def test_unknown_characters_cost_what_the_evaluator_lets_them_cost():
    # 4 entries, of which 1 and 2 were seen as often; the order is 1, Witten-Bell's:
    # P(1) = (2 + 2/4) / 6 and P(unknown) = (2/4) / 6, of each of two distinct ones a half.
    counts = count([Stretch(np.array([1, 2, 1, 2]), 0)], vocab_size=4, line_end=3, order=1)
    perplexity = score_ngrams([(np.array([1, 0, 0]), "春夏秋")], counts, order=1)
    assert perplexity == pytest.approx((2.5 / 6 * (0.5 / 6 / 2) ** 2) ** (-1 / 3))
