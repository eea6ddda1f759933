"""The weights of a mixture of language models, by expectation-maximisation.

A mixture gives a character the weighted mean of its models' probabilities. Its weights, which
add up to 1, are those under which some text that no model was fitted to is likeliest.

Sources: Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM
algorithm" (1977); Jelinek and Mercer, "Interpolated estimation of Markov source parameters from
sparse data" (1980). When to stop: Cover, "An algorithm for maximizing expected log investment
return" (1984).
"""

import numpy as np

_TOLERANCE = 1e-6  # nats per character from the best weights there are
_MAX_ITERATIONS = 10_000  # after n of them it is log(models) / n at most


def fit_weights(log_probabilities: np.ndarray) -> np.ndarray:
    """The likeliest weights.

    Args:
        log_probabilities: float[characters, models], of each character under each model; minus
            infinity where a model has it for impossible.

    Returns:
        float64[models].

    Raises:
        ValueError: if there is no character, or one is not measured or impossible for all models.
    """
    best = log_probabilities.max(axis=1, keepdims=True, initial=-np.inf)  # [characters, 1]
    if not best.size or not np.isfinite(best).all():
        raise ValueError(
            f"log_probabilities {log_probabilities.shape} hold a character without a likelihood, "
            "or none at all: give one row or more, none with NaN or of minus infinities"
        )
    # Of each row only the ratios matter, and these cannot all be too small for a float.
    likelihoods = np.exp(log_probabilities.astype(np.float64) - best)
    weights = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(_MAX_ITERATIONS):
        gains = (likelihoods / (likelihoods @ weights)[:, None]).mean(axis=0)  # [models]
        # No weights are likelier than these by more than the logarithm of the largest gain.
        if np.log(gains.max()) < _TOLERANCE:
            break
        weights = weights * gains  # expectation and maximisation: they add up to 1 again
    return weights
