import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.generation import xla


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1_027])
def test_sums_are_cumulative(n):
    values = np.random.default_rng(n).random([3, n], np.float32)
    np.testing.assert_allclose(xla.cumulative_sum(values), np.cumsum(values, axis=1), rtol=1e-5)


@given(
    st.lists(st.integers(-400, 0), max_size=30, unique=True),
    st.integers(1, 32),
    st.floats(0.0625, 1, width=32),
)
def test_the_lowest_is_the_last_that_is_needed(hundredths, top_k, top_p):
    logits = np.unique([*hundredths, 0])[::-1].astype(np.float32) / 100
    weights = np.exp(logits[:top_k].astype(np.float64))
    needed = top_p * weights.sum() if top_p < 1 else np.inf
    cumulative = np.cumsum(weights)
    if np.isclose(cumulative, needed, rtol=1e-5).any():
        return  # rounding decides
    last = min(np.searchsorted(cumulative, needed), len(weights) - 1)
    found = xla.lowest(np.stack([logits, logits]), np.int32([top_k] * 2), np.float32([top_p] * 2))
    np.testing.assert_array_equal(found, [logits[last]] * 2)
