import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modules.ngrams import mixture
from modules.ngrams.mixture import fit_weights

pytestmark = pytest.mark.fast


def nats(log_probabilities, weights):
    """Per character, under the mixture."""
    return -np.log(np.exp(log_probabilities) @ weights).mean()


def test_weights_by_hand():
    # With weights w and 1 - w the likelihood is (1 + 3w)^2 (4 - 3w) / 5^3: its logarithm is
    # greatest where 2 * 3 / (1 + 3w) = 3 / (4 - 3w), so w = 7 / 9.
    likelihoods = np.array([[4, 1], [4, 1], [1, 4]])
    assert fit_weights(np.log(likelihoods / 5)) == pytest.approx([7 / 9, 2 / 9], abs=1e-3)


def test_known_weights_are_found_again():
    """Characters drawn from a mixture of three models of six characters."""
    models = np.array([[5, 4, 3, 2, 1, 1], [1, 1, 6, 6, 1, 1], [1, 2, 1, 1, 9, 2]]) / 16
    weights = np.array([0.5, 0.2, 0.3])
    drawn = np.random.default_rng(0).choice(6, size=50_000, p=weights @ models)
    assert fit_weights(np.log(models[:, drawn].T)) == pytest.approx(weights, abs=0.03)


def test_a_model_for_which_all_is_impossible_gets_nothing():
    log_probabilities = np.log([[1 / 2, 1 / 4], [1 / 8, 1 / 2]])
    with_none = np.insert(log_probabilities, 2, -np.inf, axis=1)
    assert fit_weights(with_none) == pytest.approx([*fit_weights(log_probabilities), 0], abs=1e-3)
    assert fit_weights(with_none)[2] == 0


def test_one_character_may_be_impossible_for_a_model():
    weights = fit_weights(np.array([[-1.0, -np.inf], [-np.inf, -2.0], [-np.inf, -3.0]]))
    assert weights == pytest.approx([1 / 3, 2 / 3], abs=1e-3)


def test_likelihoods_too_small_for_a_float():
    weights = fit_weights(np.array([[-2000.0, -2001.0], [-3001.0, -3000.0]]))
    assert weights == pytest.approx([0.5, 0.5])


def test_single_precision_is_enough():
    log_probabilities = np.log([[1 / 2, 1 / 4], [1 / 8, 1 / 2]])
    single = fit_weights(log_probabilities.astype(np.float32))
    assert single == pytest.approx(fit_weights(log_probabilities), abs=1e-3)


@pytest.mark.parametrize(
    "log_probabilities",
    [np.zeros([0, 3]), np.array([[-1.0, np.nan]]), np.array([[-1.0, -2.0], [-np.inf, -np.inf]])],
)
def test_what_has_no_likelihood_is_refused(log_probabilities):
    with pytest.raises(ValueError, match="without a likelihood, or none at all"):
        fit_weights(log_probabilities)


TEXTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.integers(1, 4)),
    elements=st.floats(1e-6, 1),
)


@given(TEXTS)
def test_the_mixture_is_never_worse_than_its_best_part(likelihoods):
    log_probabilities = np.log(likelihoods)
    weights = fit_weights(log_probabilities)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    best = -log_probabilities.mean(axis=0).max()
    assert nats(log_probabilities, weights) <= best + np.log(4) / 10_000


@given(TEXTS, st.integers(0, 20))
def test_the_likelihood_never_falls(likelihoods, iterations):
    log_probabilities = np.log(likelihoods)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixture, "_MAX_ITERATIONS", iterations)
        before = nats(log_probabilities, fit_weights(log_probabilities))
        patch.setattr(mixture, "_MAX_ITERATIONS", iterations + 1)
        after = nats(log_probabilities, fit_weights(log_probabilities))
    assert after <= before + 1e-12
