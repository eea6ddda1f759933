import numpy as np
import pytest
import tensorflow as tf

from modules.sampling import Request, choose, generate


def written(model, prefixes, num_chars, temperature=0.0, top_k=0, seed=0):
    """Asks for one row a prefix; single values hold for all rows."""

    def row(value, dtype):
        return tf.constant(np.broadcast_to(value, [len(prefixes)]), dtype)

    request = Request(
        tf.ragged.constant(prefixes, tf.int64, ragged_rank=1),
        row(num_chars, tf.int32),
        row(temperature, tf.float32),
        row(top_k, tf.int32),
        row(seed, tf.int64),
    )
    return generate(model, request).to_list()


def greedy_by_hand(model, prefix, num_chars):
    """The book's predict: read the prefix, then the likeliest character over and over."""
    state, result = model.initial_state(1), []
    for character in prefix:
        logits, state = model.step(tf.constant([character], tf.int64), state)
    while len(result) < num_chars:
        result.append(1 + int(np.argmax(logits.numpy()[0][1:])))  # never <unk>
        logits, state = model.step(tf.constant(result[-1:], tf.int64), state)
    return result


PREFIXES = [[2], [1, 2, 3, 4, 5, 6, 7], [4, 0, 4], [0]]
NUM_CHARS = [12, 3, 0, 7]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_greedy_is_a_plain_loop(build_model, cell):
    model = build_model(cell, num_layers=2, seed=5)
    expected = [greedy_by_hand(model, *row) for row in zip(PREFIXES, NUM_CHARS, strict=True)]
    assert written(model, PREFIXES, NUM_CHARS) == expected
    assert len({character for row in expected for character in row}) > 1  # else any loop would do


def test_drawing_from_the_likeliest_alone_is_greedy(build_model):
    model = build_model()
    greedy = written(model, PREFIXES, NUM_CHARS)
    assert written(model, PREFIXES, NUM_CHARS, temperature=2.0, top_k=1, seed=9) == greedy


def test_a_row_depends_on_its_own_seed_only(build_model):
    model = build_model()
    seeds = [5, 6, 5, -(2**63)]
    together = written(model, PREFIXES, NUM_CHARS, temperature=1.0, seed=seeds)
    alone = [
        written(model, [prefix], num_chars, temperature=1.0, seed=seed)[0]
        for prefix, num_chars, seed in zip(PREFIXES, NUM_CHARS, seeds, strict=True)
    ]
    assert together == alone
    longer = written(model, [PREFIXES[0], [2] * 40], [100, 5], temperature=1.0, seed=[5, 5])
    assert longer[0][:12] == together[0]


def test_seeds_differ(build_model):
    model = build_model()
    rows = written(model, [[3]] * 4, 30, temperature=1.0, seed=[1, 2, 2**32 + 1, 1])
    assert rows[0] == rows[3]
    assert len({tuple(row) for row in rows}) == 3


def test_settings_are_each_rows_own(build_model):
    model = build_model()
    rows = written(
        model, [[3]] * 3, 20, temperature=[0.0, 5.0, 5.0], top_k=[0, 0, 1], seed=[1, 1, 1]
    )
    assert rows[0] == rows[2]
    assert rows[0] != rows[1]


@pytest.mark.parametrize("prefixes", [[[3, 4]], [[3]], [[3], [3, 4]]])
def test_no_characters(build_model, prefixes):
    assert written(build_model(), prefixes, 0) == [[] for _ in prefixes]


@pytest.mark.parametrize("temperature", [0.0, 0.1, 1.0, 1e38])
@pytest.mark.parametrize("top_k", [0, 7, 8, 2**31 - 1])
def test_never_unknown(build_model, temperature, top_k):
    model = build_model()
    bias = model.weights[-1]
    bias.assign(bias + tf.one_hot(0, 8, on_value=50.0))  # nothing is as likely as <unk>
    rows = written(model, [[3]] * 20, 30, temperature, top_k, seed=range(20))
    assert 0 not in np.ravel(rows)


def chosen(probabilities, draws, temperature=1.0, top_k=0):
    """Indices for each draw from the distribution over the entries after <unk>."""
    rows = len(draws)
    logits = tf.math.log([[1.0, *probabilities]] * rows)
    settings = tf.fill([rows], temperature), tf.fill([rows], top_k)
    return choose(logits, *settings, tf.constant(draws, tf.float32)).numpy().tolist()


def test_the_cumulative_distribution_is_inverted():
    # The likeliest first: index 3 has [0, 0.5), 1 has [0.5, 0.8), 2 has [0.8, 1).
    draws = [0.0, 0.49, 0.51, 0.79, 0.81, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws) == [3, 3, 1, 1, 2, 2]


def test_the_k_likeliest_share_all_of_it():
    # 0.5 and 0.3 of 0.8: index 3 has [0, 0.625), 1 has [0.625, 1).
    draws = [0.0, 0.62, 0.63, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws, top_k=2) == [3, 3, 1, 1]


def test_more_than_there_are_is_all():
    draws = [0.0, 0.51, 0.81, 1 - 2**-24]
    assert chosen([0.3, 0.2, 0.5], draws, top_k=100) == chosen([0.3, 0.2, 0.5], draws)


def test_temperature_is_a_root_of_the_odds():
    # At temperature 1/2 odds of 2 : 1 are 4 : 1, at 2 those of 4 : 1 are 2 : 1.
    assert chosen([2 / 3, 1 / 3], [0.79, 0.81], temperature=0.5) == [1, 2]
    assert chosen([0.8, 0.2], [0.66, 0.67], temperature=2.0) == [1, 2]


@pytest.mark.parametrize("temperature", [0.0, 1e-42, 1e-6])
def test_cold_is_greedy(temperature):
    assert chosen([0.3, 0.2, 0.5], [0.0, 1 - 2**-24], temperature=temperature) == [3, 3]


def test_as_hot_as_can_be_is_uniform():
    draws = [0.1, 0.4, 0.6, 0.9]
    assert chosen([0.97, 0.02, 0.009, 0.001], draws, temperature=float("inf")) == [1, 2, 3, 4]


def test_draws_follow_the_distribution(build_model):
    model = build_model()
    logits, _ = model.step(tf.constant([3], tf.int64), model.initial_state(1))
    expected = tf.nn.softmax(logits[0, 1:]).numpy()
    rows = written(model, [[3]] * 2_000, 1, temperature=1.0, seed=range(2_000))
    shares = np.bincount(np.ravel(rows), minlength=8)[1:] / 2_000
    np.testing.assert_allclose(shares, expected, atol=0.04)
    assert expected.max() - expected.min() > 0.1  # else the uniform distribution would do
