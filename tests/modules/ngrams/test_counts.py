from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.ngrams.counts import NgramCounts, Stretch, count, merge

pytestmark = pytest.mark.fast

VOCAB_SIZE = 4
TEXTS = st.lists(st.lists(st.integers(0, VOCAB_SIZE - 1), max_size=12), min_size=1, max_size=4)


def stretch(ids, first=0):
    return Stretch(np.array(ids, np.int64), first)


def listed(counts):
    """{n-gram: count} of every node, spelled out from the root."""
    found, above = {}, [()]
    for level in counts.levels:
        assert (np.diff(level.keys) > 0).all()
        grams = [(*above[key // counts.vocab_size], key % counts.vocab_size) for key in level.keys]
        found |= dict(zip(grams, level.counts.tolist(), strict=True))
        above = grams
    return found


def counted(texts, order, first=0):
    """The same, one n-gram at a time."""
    found = Counter()
    for text in texts:
        for length in range(1, order + 1):
            for start in range(len(text) - length + 1):
                gram = tuple(text[start : start + length])
                found[gram] += start + length - 1 >= first
    return dict(found)


def test_abab_as_it_is_drawn():
    counts = count([stretch([0, 1, 0, 1])], vocab_size=2, line_end=0, order=3)
    assert [level.keys.tolist() for level in counts.levels] == [[0, 1], [1, 2], [0, 3]]
    assert [level.counts.tolist() for level in counts.levels] == [[2, 2], [2, 1], [1, 1]]
    assert counts.size == 6


@given(texts=TEXTS, order=st.integers(1, 5), first=st.integers(0, 3))
def test_what_is_counted_is_what_is_there(texts, order, first):
    counts = count([stretch(text, first) for text in texts], VOCAB_SIZE, 0, order)
    assert listed(counts) == counted(texts, order, first)


@given(groups=st.lists(TEXTS, min_size=1, max_size=4), order=st.integers(1, 5))
def test_merged_counts_are_those_of_all_the_text(groups, order):
    parts = [count([stretch(text) for text in texts], VOCAB_SIZE, 0, order) for texts in groups]
    assert listed(merge(parts)) == counted([text for texts in groups for text in texts], order)


@given(text=st.lists(st.integers(0, 3), max_size=30), cut=st.integers(0, 30))
def test_a_text_counted_in_two_pieces_is_the_whole(text, cut):
    order = 4
    before, start = text[:cut], max(min(cut, len(text)) - (order - 1), 0)
    parts = [stretch(before), stretch(text[start:], len(before) - start)]
    merged = merge(count([part], VOCAB_SIZE, 0, order) for part in parts)
    assert listed(merged) == counted([text], order)


def test_what_is_saved_is_loaded():
    counts = count([stretch([3, 1, 3])], VOCAB_SIZE, line_end=2, order=5)
    file = BytesIO()
    counts.save(file)
    file.seek(0)
    loaded = NgramCounts.load(file)
    assert (loaded.vocab_size, loaded.line_end, len(loaded.levels)) == (4, 2, 5)
    assert listed(loaded) == listed(counts) == counted([[3, 1, 3]], 5)


def test_a_file_that_can_only_be_written_to_will_do():
    class Pipe:  # as one of TensorFlow's
        written = b""

        def write(self, data):
            self.written += data

        def flush(self):
            pass

    counts = count([stretch([3, 1, 3])], VOCAB_SIZE, line_end=2, order=5)
    file = Pipe()
    counts.save(file)
    assert listed(NgramCounts.load(BytesIO(file.written))) == listed(counts)


def test_large_vocabularies_and_many_nodes_have_their_keys():
    ids = np.arange(60_000) * 16
    counts = count([Stretch(ids, 0)], vocab_size=10**6, line_end=0, order=6)
    assert [len(level.keys) for level in counts.levels] == [60_000 - n for n in range(6)]
    assert counts.levels[5].keys[-1] == 59_994 * 10**6 + ids[-1]
