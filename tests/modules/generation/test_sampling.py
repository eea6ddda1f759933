import numpy as np
import pytest
import tensorflow as tf

from modules.generation.sampling import Distribution, chooser, penalise, uniform


@pytest.fixture(params=[False, True], ids=["sorted", "for XLA"])
def chosen(request):
    """Takes what is likely, and draws; gives indices of the entries after <unk>."""

    def choose(probabilities, draws, temperature=1.0, top_k=0, top_p=1.0):
        rows = len(draws)
        logits = tf.math.log([[0.0, *probabilities]] * rows)  # never <unk>
        options = (tf.broadcast_to(value, [rows]) for value in (temperature, top_k, top_p))
        choose = chooser(Distribution(*options), logits.shape[1], compiled=request.param)
        return choose(logits, tf.constant(draws, tf.float32)).numpy().tolist()

    return choose


def test_the_cumulative_distribution_is_inverted(chosen):
    # Index 1 has [0, 0.3), 2 has [0.3, 0.5), 3 has [0.5, 1).
    draws = [0.0, 0.29, 0.31, 0.49, 0.51, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws) == [1, 1, 2, 2, 3, 3]


def test_the_k_likeliest_share_all_of_it(chosen):
    # 0.3 and 0.5 of 0.8: index 1 has [0, 0.375), 3 has [0.375, 1).
    draws = [0.0, 0.37, 0.38, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws, top_k=2) == [1, 1, 3, 3]


def test_the_nucleus_is_the_fewest_that_have_p_together(chosen):
    draws = [0.0, 0.37, 0.38, 1 - 2**-24]
    for top_p in (0.51, 0.79):
        assert chosen([0.3, 0.2, 0.5], draws, top_p=top_p) == [1, 1, 3, 3]
    assert chosen([0.3, 0.2, 0.5], draws, top_p=0.49) == [3, 3, 3, 3]
    assert chosen([0.3, 0.2, 0.5], draws, top_p=1e-9) == [3, 3, 3, 3]
    assert chosen([0.3, 0.2, 0.5], [0.0, 0.29, 0.31, 0.51], top_p=0.81) == [1, 1, 2, 3]


def test_the_nucleus_is_of_what_temperature_and_k_leave(chosen):
    # Of 0.5 and 0.3, index 3 alone has 0.625.
    assert chosen([0.3, 0.2, 0.5], [0.0], top_k=2, top_p=0.62) == [3]
    assert chosen([0.3, 0.2, 0.5], [0.0], top_k=2, top_p=0.63) == [1]
    # At temperature 1/2, of 9 : 4 : 25, it has 25 / 38 = 0.658.
    assert chosen([0.3, 0.2, 0.5], [0.0], temperature=0.5, top_p=0.65) == [3]
    assert chosen([0.3, 0.2, 0.5], [0.0], temperature=0.5, top_p=0.67) == [1]


def test_limits_are_each_rows_own(chosen):
    temperatures, top_k, top_p = [1.0, 1.0, 1.0, 0.0], [0, 2, 0, 0], [1.0, 1.0, 0.4, 1.0]
    assert chosen([0.3, 0.2, 0.5], [0.31] * 4, temperatures, top_k, top_p) == [2, 1, 3, 3]


def test_more_than_there_are_is_all(chosen):
    draws = [0.0, 0.51, 0.81, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws, top_k=100) == chosen([0.3, 0.2, 0.5], draws)


def test_temperature_is_a_root_of_the_odds(chosen):
    # At temperature 1/2 odds of 2 : 1 are 4 : 1, at 2 those of 4 : 1 are 2 : 1.
    assert chosen([2 / 3, 1 / 3], [0.79, 0.81], temperature=0.5) == [1, 2]
    assert chosen([0.8, 0.2], [0.66, 0.67], temperature=2.0) == [1, 2]


@pytest.mark.parametrize("temperature", [0.0, 1e-42, 1e-6])
def test_cold_is_greedy(chosen, temperature):
    assert chosen([0.3, 0.2, 0.5], [0.0, 1 - 2**-24], temperature=temperature) == [3, 3]


def test_as_hot_as_can_be_is_uniform(chosen):
    draws = [0.1, 0.4, 0.6, 0.9]
    assert chosen([0.97, 0.02, 0.009, 0.001], draws, temperature=float("inf")) == [1, 2, 3, 4]


def test_a_penalty_divides_positive_logits_and_multiplies_negative_ones():
    logits = tf.constant([[0.0, 2.0, -2.0, 1.0], [0.0, 2.0, -2.0, 1.0]])
    recent = tf.constant([[1, 2, 1], [0, 0, 3]], tf.int64)
    penalised = penalise(logits, recent, tf.constant([2.0, 4.0]))
    assert penalised.numpy().tolist() == [[0.0, 1.0, -4.0, 1.0], [0.0, 2.0, -2.0, 0.25]]


def test_random_numbers_are_those_of_splitmix64():
    # The first of the generator with the state that the seed is spread to; in whole numbers.
    def by_hand(seed, position):
        def mix(z):
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
            return z ^ (z >> 31)

        state = (mix(seed % 2**64) + (position + 1) * 0x9E3779B97F4A7C15) % 2**64
        return (mix(state) >> 40) / 2**24

    rows = [(0, 0), (1, 7), (-1, 2**40), (-(2**63), 3)]
    seeds, positions = (tf.constant(column, tf.int64) for column in zip(*rows, strict=True))
    numbers = uniform(seeds, positions, tf.constant(3))
    expected = [[by_hand(seed, position + step) for seed, position in rows] for step in range(3)]
    assert numbers.numpy().tolist() == expected


def test_random_numbers_are_uniform():
    numbers = uniform(tf.range(100, dtype=tf.int64), tf.zeros([100], tf.int64), tf.constant(1_000))
    shares = np.histogram(numbers, bins=10, range=(0, 1))[0] / numbers.numpy().size
    np.testing.assert_allclose(shares, 0.1, atol=0.005)
    neighbours = np.corrcoef(numbers.numpy()[:-1].ravel(), numbers.numpy()[1:].ravel())[0, 1]
    rows = np.corrcoef(numbers.numpy()[:, :-1].ravel(), numbers.numpy()[:, 1:].ravel())[0, 1]
    assert max(abs(neighbours), abs(rows)) < 0.02


@pytest.mark.parametrize("compiled", [False, True])
def test_nothing_beyond_the_limits_is_drawn(compiled):
    random = np.random.default_rng(0)
    logits = random.normal(size=[500, 100]).astype(np.float32) * 3
    logits[:, 0] = -np.inf
    draws = random.integers(0, 2**24, 500) / 2**24
    options = tf.fill([500], 1.0), tf.fill([500], 5), tf.fill([500], 1.0)
    drawn = chooser(Distribution(*options), 100, compiled)(logits, tf.constant(draws, tf.float32))
    likely = np.argsort(-logits, axis=1)[:, :5]
    assert (likely == drawn.numpy()[:, None]).any(axis=1).all()
    assert len(np.unique(drawn)) > 50
