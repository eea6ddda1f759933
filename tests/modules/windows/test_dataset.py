import numpy as np
import pytest
import tensorflow as tf

from modules.windows.dataset import parse_scored_windows, scored_batches, training_batches
from modules.windows.windowing import WindowOptions

CONSECUTIVE = WindowOptions("consecutive", batch_size=2, num_steps=6)
RANDOM = WindowOptions("random", batch_size=2, num_steps=6)
OFFSET = WindowOptions("random", batch_size=2, num_steps=6, random_offset=True)


@pytest.fixture
def write_stream(write_windows):
    """Cuts the stream 0, 1, ... and writes it; returns the pattern of its one file."""

    def write(length: int, options: WindowOptions) -> str:
        layout = options.training([length])
        return write_windows(range(*layout.window(i)) for i in range(layout.num_windows))

    return write


def batches(pattern, options, seed=0, epoch=0):
    dataset = training_batches([pattern], options, seed, epoch)
    return [(X.numpy().tolist(), Y.numpy().tolist()) for X, Y in dataset]


def starts(minibatches):
    """First input of each window, in order."""
    return [row[0] for X, _ in minibatches for row in X]


def test_consecutive_minibatches_are_the_books(write_stream):
    assert batches(write_stream(30, CONSECUTIVE), CONSECUTIVE) == [
        (
            [[0, 1, 2, 3, 4, 5], [15, 16, 17, 18, 19, 20]],
            [[1, 2, 3, 4, 5, 6], [16, 17, 18, 19, 20, 21]],
        ),
        (
            [[6, 7, 8, 9, 10, 11], [21, 22, 23, 24, 25, 26]],
            [[7, 8, 9, 10, 11, 12], [22, 23, 24, 25, 26, 27]],
        ),
    ]


def test_consecutive_minibatches_are_the_same_every_epoch(write_stream):
    pattern = write_stream(200, CONSECUTIVE)
    assert batches(pattern, CONSECUTIVE, 1, 0) == batches(pattern, CONSECUTIVE, 2, 7)


def test_shapes_are_known(write_stream):
    dataset = training_batches([write_stream(30, CONSECUTIVE)], CONSECUTIVE, 0, 0)
    assert dataset.element_spec == (tf.TensorSpec([2, 6], tf.int64),) * 2


def test_files_are_read_in_the_order_of_their_names(write_windows):
    write_windows([range(7), range(10, 17)], "windows-1.gz")
    pattern = write_windows([range(100, 107), range(110, 117)], "windows-0.gz")
    assert starts(batches(pattern, CONSECUTIVE)) == [100, 110, 0, 10]


def test_random_minibatches_hold_every_window_once(write_stream):
    minibatches = batches(write_stream(121, RANDOM), RANDOM)
    assert sorted(starts(minibatches)) == list(range(0, 120, 6))
    assert starts(minibatches) != list(range(0, 120, 6))
    for X, Y in minibatches:
        for inputs, targets in zip(X, Y, strict=True):
            assert inputs == list(range(inputs[0], inputs[0] + 6))
            assert targets == [character + 1 for character in inputs]


def test_random_minibatches_are_shuffled_anew_each_epoch(write_stream):
    pattern = write_stream(121, RANDOM)
    epochs = [starts(batches(pattern, RANDOM, seed=3, epoch=epoch)) for epoch in range(4)]
    assert len({tuple(order) for order in epochs}) == 4
    assert starts(batches(pattern, RANDOM, seed=4)) not in epochs


@pytest.mark.parametrize("options", [RANDOM, OFFSET])
def test_the_same_seed_and_epoch_give_the_same_minibatches(write_stream, options):
    pattern = write_stream(121, options)
    tf.random.set_seed(1)
    first = batches(pattern, options, seed=3, epoch=2)
    tf.random.uniform([3])  # whatever else draws random numbers
    assert batches(pattern, options, seed=3, epoch=2) == first


def test_the_last_incomplete_minibatch_is_dropped(write_stream):
    minibatches = batches(write_stream(6 * 7 + 1, RANDOM), RANDOM)
    assert [np.shape(X) for X, _ in minibatches] == [(2, 6)] * 3


@pytest.mark.parametrize("length", [37, 40, 42])
def test_an_offset_gives_the_books_windows_from_there_on(write_stream, length):
    options = WindowOptions("random", batch_size=1, num_steps=6, random_offset=True)
    pattern, seen = write_stream(length, options), set()
    for epoch in range(12):
        windows = starts(batches(pattern, options, seed=0, epoch=epoch))
        offset = min(windows)
        seen.add(offset)
        # The book: drop the first `offset` ids, then a window every num_steps.
        assert sorted(windows) == list(range(offset, offset + (length - offset - 1) // 6 * 6, 6))
    assert seen <= {0, 1, 2, 3, 4, 5}
    assert len(seen) > 2


def test_too_short_windows_raise(write_windows):
    with pytest.raises(tf.errors.InvalidArgumentError):
        batches(write_windows([range(6)] * 2), CONSECUTIVE)


def test_scored_windows_of_one_split(scored_window, write_scored):
    splits = ["train", "eval", "train", "eval", "eval"]
    pattern = write_scored(scored_window(f"春{i}", i, split) for i, split in enumerate(splits))
    rows = [
        [text.decode() for text in parse_scored_windows(batch)["text"].numpy()]
        for batch in scored_batches([pattern], "eval", batch_size=2)
    ]
    assert rows == [["春1", "春3"], ["春4"]]
    assert list(scored_batches([pattern], "test", batch_size=2)) == []


def test_parsing(scored_window):
    with_nats = scored_window("ab", 0, "train", ngram_nats=[1.5, 2.5], cache_nats=[0.25, 4.0])
    windows = [scored_window("a\n春", 2), with_nats]
    parsed = parse_scored_windows(tf.constant([w.SerializeToString() for w in windows]))
    ngram, cache = parsed.pop("ngram_nats"), parsed.pop("cache_nats")
    assert {name: value.numpy().tolist() for name, value in parsed.items()} == {
        "text": ["a\n春".encode(), b"ab"],
        "context": [2, 0],
        "split": [b"eval", b"train"],
    }
    assert ngram.to_list() == [[], [1.5, 2.5]]
    assert cache.to_list() == [[], [0.25, 4.0]]
