from dataclasses import asdict

import numpy as np
import pytest
from book import data_iter_consecutive, data_iter_random
from hypothesis import given
from hypothesis import strategies as st

from modules.errors import ConfigError, WindowError
from modules.windows.windowing import Consecutive, Random, Strided, WindowOptions

pytestmark = pytest.mark.fast

lengths = st.integers(0, 150)
batch_sizes = st.integers(1, 12)
steps = st.integers(1, 20)
documents = st.lists(st.integers(0, 40), max_size=8)


def contents(layout, ids):
    return [ids[slice(*layout.window(window))] for window in range(layout.num_windows)]


def minibatches(windows, batch_size):
    """What `batch(batch_size, drop_remainder=True)` makes of windows, as (X, Y)."""
    for start in range(0, len(windows) - batch_size + 1, batch_size):
        batch = np.stack(windows[start : start + batch_size])
        yield batch[:, :-1], batch[:, 1:]


def test_consecutive_windows_of_the_books_range_30():
    windows = contents(Consecutive(30, batch_size=2, num_steps=6), np.arange(30))
    assert [[X.tolist(), Y.tolist()] for X, Y in minibatches(windows, 2)] == [
        [
            [[0, 1, 2, 3, 4, 5], [15, 16, 17, 18, 19, 20]],
            [[1, 2, 3, 4, 5, 6], [16, 17, 18, 19, 20, 21]],
        ],
        [
            [[6, 7, 8, 9, 10, 11], [21, 22, 23, 24, 25, 26]],
            [[7, 8, 9, 10, 11, 12], [22, 23, 24, 25, 26, 27]],
        ],
    ]


def test_random_windows_of_the_books_range_30():
    assert [w.tolist() for w in contents(Random(30, num_steps=6), np.arange(30))] == [
        [0, 1, 2, 3, 4, 5, 6],
        [6, 7, 8, 9, 10, 11, 12],
        [12, 13, 14, 15, 16, 17, 18],
        [18, 19, 20, 21, 22, 23, 24],
    ]


def test_random_windows_with_an_offset_hold_what_any_offset_needs():
    layout = Random(20, num_steps=6, random_offset=True)
    assert [layout.window(window) for window in range(layout.num_windows)] == [
        (0, 12),
        (6, 18),
        (12, 20),
    ]


@given(lengths, batch_sizes, steps)
def test_consecutive_windows_are_the_books(length, batch_size, num_steps):
    ids = np.arange(length)
    windows = contents(Consecutive(length, batch_size, num_steps), ids)
    expected = list(data_iter_consecutive(ids, batch_size, num_steps))
    np.testing.assert_equal(list(minibatches(windows, batch_size)), expected)
    assert len(windows) == len(expected) * batch_size  # there is no incomplete minibatch


@given(lengths, steps)
def test_random_windows_are_the_books(length, num_steps):
    ids = np.arange(length)
    windows = contents(Random(length, num_steps), ids)
    expected = list(data_iter_random(ids, num_steps))
    np.testing.assert_equal([(w[:-1], w[1:]) for w in windows], expected)


@given(lengths, steps, st.data())
def test_random_windows_cut_at_an_offset_are_the_books_from_that_offset(length, num_steps, data):
    ids = np.arange(length)
    offset = data.draw(st.integers(0, num_steps - 1))
    windows = contents(Random(length, num_steps, random_offset=True), ids)
    cut = [w[offset : offset + num_steps + 1] for w in windows if len(w) > offset + num_steps]
    expected = list(data_iter_random(ids[offset:], num_steps))
    np.testing.assert_equal([(w[:-1], w[1:]) for w in cut], expected)
    assert all(len(w) <= 2 * num_steps for w in windows)


def test_strided_windows_of_two_documents():
    layout = Strided([10, 3], stride=4, context=3)
    drawn = [(*layout.window(w), layout.first_scored(w)) for w in range(layout.num_windows)]
    assert drawn == [(0, 4, 0), (1, 8, 4), (5, 10, 8), (10, 13, 10)]


@given(documents, st.integers(1, 50), st.integers(0, 50))
def test_strided_windows_score_every_character_once_after_its_context(lengths, stride, context):
    layout = Strided(lengths, stride, context)
    document = np.repeat(np.arange(len(lengths)), lengths)  # of each character of the stream
    begin = np.cumsum([0, *lengths])
    scored = []
    for window in range(layout.num_windows):
        (start, stop), first = layout.window(window), layout.first_scored(window)
        assert len({*document[start:stop]}) == 1
        assert first - start == min(context, first - begin[document[first]])
        assert 1 <= stop - first <= stride
        scored += range(first, stop)
    assert scored == list(range(sum(lengths)))


layouts = st.one_of(
    st.builds(Consecutive, lengths, batch_sizes, steps),
    st.builds(Random, lengths, steps, st.booleans()),
    st.builds(Strided, documents, st.integers(1, 50), st.integers(0, 50)),
)


@given(layouts, st.data())
def test_touching_finds_the_windows_that_a_search_through_all_finds(layout, data):
    length = sum(layout.lengths) if isinstance(layout, Strided) else layout.length
    start, stop = sorted(data.draw(st.tuples(st.integers(0, length), st.integers(0, length))))
    stretch = {*range(start, stop)}
    expected = [w for w in range(layout.num_windows) if stretch & {*range(*layout.window(w))}]
    found = list(layout.touching(start, stop))
    assert sorted(found) == expected
    assert len(found) == len({*found})


@pytest.mark.parametrize(
    "layout",
    [
        Consecutive(10**15, batch_size=32, num_steps=35),
        Random(10**15, num_steps=35),
        Strided([10**15, 10**15], stride=64, context=64),
    ],
)
def test_touching_does_not_search_through_all_windows(layout):
    # A search would take days: there are more than 10**13 windows.
    windows = list(layout.touching(10**14, 10**14 + 4_096))
    assert 0 < len(windows) < 4_096 / 35 + 3


@given(
    st.sampled_from([("consecutive", False), ("random", False), ("random", True)]),
    batch_sizes,
    steps,
)
def test_min_length_is_what_one_minibatch_takes_at_every_offset(sampling, batch_size, num_steps):
    sampling, random_offset = sampling
    options = WindowOptions(sampling, batch_size, num_steps, random_offset)

    def num_minibatches(length):
        offset = num_steps - 1 if random_offset else 0
        if sampling == "consecutive":
            return len(list(data_iter_consecutive(np.arange(length), batch_size, num_steps)))
        return len(list(data_iter_random(np.arange(length)[offset:], num_steps))) // batch_size

    assert num_minibatches(options.min_length) == 1
    assert num_minibatches(options.min_length - 1) == 0


def test_a_split_too_short_to_train_on_says_what_it_needs():
    WindowOptions().check_training("train", 1152)
    message = (
        "num_steps=35 and batch_size=32 need at least 1152 characters; split 'train' has 1151: "
        "give more text, or fewer steps or lanes"
    )
    with pytest.raises(WindowError) as error:
        WindowOptions().check_training("train", 1151)
    assert str(error.value) == message


def test_a_split_with_nothing_to_score_says_so():
    WindowOptions().check_scored("eval", 1)
    with pytest.raises(WindowError, match="at least 1 character; split 'eval' has 0: give more"):
        WindowOptions().check_scored("eval", 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "shuffled"}, "sampling='shuffled'.* consecutive, random"),
        ({"batch_size": 0}, "batch_size=0.* at least 1"),
        ({"num_steps": 0}, "num_steps=0.* at least 1"),
        ({"stride": 0}, "stride=0.* at least 1"),
        ({"context": -1}, "context=-1.* at least 0"),
        ({"random_offset": True}, "random_offset=True needs sampling='random'.*drop the offset"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        WindowOptions(**options)


def test_options_choose_their_layouts():
    consecutive = WindowOptions(batch_size=2, num_steps=6, stride=4, context=3)
    assert consecutive.training([20, 10]) == Consecutive(30, 2, 6)
    assert consecutive.scored([20, 10]) == Strided([20, 10], 4, 3)
    offset = WindowOptions("random", batch_size=2, num_steps=6, random_offset=True)
    assert offset.training([20, 10]) == Random(30, 6, True)


def test_options_survive_the_way_to_the_executor():
    options = WindowOptions("random", 2, 6, True, 4, 3)
    assert WindowOptions(**asdict(options)) == options
    with pytest.raises(TypeError, match="num_stpes"):
        WindowOptions(**{"num_stpes": 6})
