"""The loops that write, beside a plain one in Python."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.generation.decoding import NOTHING, Request, Written, write, writer
from modules.generation.reading import read
from modules.generation.sampling import Distribution

PREFIXES = [[2], [1, 2, 3, 4, 5, 6, 7], [4, 0, 4], [0]]
NUM_CHARS = [12, 3, 0, 7]


def request(rows, num_chars, temperature=0.0, top_k=0, top_p=1.0, penalty=1.0, seed=0, stop=()):
    """Single values hold for all rows."""

    def row(value, dtype):
        return tf.constant(np.broadcast_to(value, [rows]), dtype)

    stops = stop if stop and np.ndim(stop[0]) else [list(stop)] * rows
    padded = [[NOTHING] * (64 - len(stop)) + list(stop) for stop in stops]
    return Request(
        row(num_chars, tf.int32),
        Distribution(row(temperature, tf.float32), row(top_k, tf.int32), row(top_p, tf.float32)),
        row(penalty, tf.float32),
        row(seed, tf.int64),
        tf.constant(padded, tf.int64),
    )


def answer(model, prefixes, *args, **kwargs) -> Written:
    reading = read(model, tf.ragged.constant(prefixes, tf.int64, ragged_rank=1))
    return write(model, reading, request(len(prefixes), *args, **kwargs))


def written(*args, **kwargs) -> list[list[int]]:
    return answer(*args, **kwargs).ids.to_list()


def by_hand(model, prefix, num_chars, penalty=1.0, stop=()):
    """The book's predict: reads the prefix, then takes the likeliest character over and over.

    Returns:
        what it wrote, and the logarithm of its probability.
    """
    state, result, nats = model.initial_state(1), [], 0.0
    step = tf.function(model.step, autograph=False)
    for character in prefix:
        logits, state = step(tf.constant([character], tf.int64), state)
    while len(result) < num_chars and not (stop and result[-len(stop) :] == list(stop)):
        logits = logits.numpy()[0].astype(np.float64)
        scores = logits.copy()
        for character in {*(prefix + result)[-64:]}:
            scores[character] *= 1 / penalty if scores[character] > 0 else penalty
        result.append(1 + int(np.argmax(scores[1:])))  # never <unk>
        nats += np.log(np.exp(logits).sum()) - logits[result[-1]]
        logits, state = step(tf.constant(result[-1:], tf.int64), state)
    return result, -nats


@pytest.mark.parametrize("num_chars", [NUM_CHARS, 12])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_greedy_is_a_plain_loop(build_model, cell, num_chars):
    model = build_model(cell, num_layers=2, seed=5)
    lengths = np.broadcast_to(num_chars, [4]).tolist()
    expected = [by_hand(model, *row) for row in zip(PREFIXES, lengths, strict=True)]
    answered = answer(model, PREFIXES, num_chars)
    assert answered.ids.to_list() == [ids for ids, _ in expected]
    np.testing.assert_allclose(answered.log_probability, [p for _, p in expected], rtol=1e-5)
    assert len({character for ids, _ in expected for character in ids}) > 1  # else any loop would


@pytest.mark.parametrize("penalty", [1.3, 1e4])
def test_a_penalty_is_on_what_was_read_or_written_lately(build_model, penalty):
    model, prefixes = build_model("lstm", seed=5), [[2], [1, 2, 3, 4], [6] + [5] * 63]
    expected = [by_hand(model, prefix, 80, penalty)[0] for prefix in prefixes]
    assert written(model, prefixes, 80, penalty=penalty) == expected
    assert expected != [by_hand(model, prefix, 80)[0] for prefix in prefixes]


def test_the_stop_is_the_last_that_is_written(build_model):
    model = build_model("gru", num_layers=2, seed=5)
    (whole,) = written(model, [[2]], 40, temperature=1.0, seed=3)
    for length in (1, 2, 5):
        stop = whole[10 : 10 + length]
        first = next(i for i in range(40) if whole[i : i + length] == stop)
        short = answer(model, [[2]], 40, temperature=1.0, seed=3, stop=stop)
        assert short.ids.to_list() == [whole[: first + length]]
        assert short.finished.numpy().tolist() == [True]
    missed = answer(model, [[2]], 40, temperature=1.0, seed=3, stop=[*whole, 1])
    assert (missed.ids.to_list(), missed.finished.numpy().tolist()) == ([whole], [False])


def test_a_stop_in_the_prefix_is_none(build_model):
    model = build_model(seed=5)
    (whole,) = written(model, [[2, 0]], 5)
    for stop in ([2, 0], [0, whole[0]], [0], [0, 0, 2, 0]):
        assert written(model, [[2, 0]], 5, stop=stop) == [whole]


def test_stops_are_each_rows_own(build_model):
    model = build_model(seed=5)
    (a,), (b,) = ([by_hand(model, [2], 9)[0]], [by_hand(model, [4], 9)[0]])
    stops = [a[:1], [], b[:2]]
    answered = answer(model, [[2], [2], [4]], 9, stop=stops)
    assert answered.ids.to_list() == [a[:1], a, b[:2]]
    assert answered.finished.numpy().tolist() == [True, False, True]


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


def test_draws_follow_the_distribution(build_model):
    model = build_model()
    logits, _ = model.step(tf.constant([3], tf.int64), model.initial_state(1))
    expected = tf.nn.softmax(logits[0, 1:]).numpy()
    rows = written(model, [[3]] * 2_000, 1, temperature=1.0, seed=range(2_000))
    shares = np.bincount(np.ravel(rows), minlength=8)[1:] / 2_000
    np.testing.assert_allclose(shares, expected, atol=0.04)
    assert expected.max() - expected.min() > 0.1  # else the uniform distribution would do


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("gru", 2), ("lstm", 1)])
def test_compiled_it_is_the_same(build_model, cell, layers):
    model = build_model(cell, num_layers=layers, seed=5)
    reading = read(model, tf.ragged.constant(PREFIXES, tf.int64, ragged_rank=1))
    write_on, write_compiled = writer(model), writer(model, compiled=True)
    drawing = {"temperature": 1.0, "seed": range(4)}
    for num_chars, options in [
        (20, {}),
        (0, {}),
        (20, drawing),
        (20, drawing | {"top_k": [0, 1, 3, 7]}),
        (20, drawing | {"top_k": [0, 0, 3, 7], "top_p": [1.0, 0.5, 0.9, 0.7]}),
        (NUM_CHARS, drawing | {"penalty": 1.5, "stop": [3]}),
    ]:
        expected = write_on(reading, request(4, num_chars, **options))
        got = write_compiled(reading, request(4, num_chars, **options))
        assert got.ids.to_list() == expected.ids.to_list()
        assert got.finished.numpy().tolist() == expected.finished.numpy().tolist()
        np.testing.assert_allclose(got.log_probability, expected.log_probability, rtol=1e-4)
        for one, other in zip(*map(tf.nest.flatten, (got.reading, expected.reading)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def models(build_model):
    """Models and their writers, of every cell, with one layer and with two."""
    kinds = [(cell, layers) for cell in ("rnn", "gru", "lstm") for layers in (1, 2)]
    models = [build_model(cell, num_layers=layers, seed=5) for cell, layers in kinds]
    return [(model, writer(model)) for model in models]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_parts_are_the_whole(models, data):
    """However a text is cut, it is the same: characters, and with them all that they depend on."""
    model, write_on = data.draw(st.sampled_from(models))
    chunks = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))
    prefixes = data.draw(
        st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=70), min_size=1, max_size=3)
    )
    options = {
        "temperature": data.draw(st.sampled_from([0.0, 0.9])),
        "top_k": data.draw(st.sampled_from([0, 4])),
        "top_p": data.draw(st.sampled_from([1.0, 0.8])),
        "penalty": data.draw(st.sampled_from([1.0, 1.5])),
        "stop": data.draw(st.lists(st.integers(1, 7), max_size=2)),
        "seed": data.draw(st.integers(-(2**63), 2**63 - 1)),
    }
    rows = len(prefixes)
    reading = read(model, tf.ragged.constant(prefixes, tf.int64, ragged_rank=1))
    whole = write_on(reading, request(rows, sum(chunks), **options))
    texts, nats = [[] for _ in prefixes], np.zeros(rows)
    finished = np.zeros(rows, bool)
    for num_chars in chunks:
        lengths = np.where(finished, 0, num_chars)
        part = write_on(reading, request(rows, lengths, **options))
        texts = [text + more for text, more in zip(texts, part.ids.to_list(), strict=True)]
        nats += part.log_probability
        reading, finished = part.reading, finished | part.finished.numpy()
    assert texts == whole.ids.to_list()
    np.testing.assert_allclose(nats, whole.log_probability, rtol=1e-4, atol=1e-5)
    assert finished.tolist() == whole.finished.numpy().tolist()
    for got, expected in zip(tf.nest.flatten(reading), tf.nest.flatten(whole.reading), strict=True):
        np.testing.assert_array_equal(got, expected)
