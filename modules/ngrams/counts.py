"""Counts n-grams of vocabulary indices, exactly, in sorted arrays.

The n-grams of all orders are one trie, a level for each order. A node of level k is a k-gram; its
parent, in the level above, is the same without its last character. Level k is two arrays, a row
for each node, in the order of the keys:

    key     parent's row * vocab_size + last character
    count   how often the k-gram was seen

"abab", with a=0, b=1 and a vocabulary of 2. The root above level 1 has the row 0.

    level 1  row 0  key 0*2+0  a   2      level 2  row 0  key 0*2+1  ab   2
             row 1  key 0*2+1  b   2               row 1  key 1*2+0  ba   1

    level 3  row 0  key 0*2+0  aba  1
             row 1  key 1*2+1  bab  1

A node's children are neighbours, and np.searchsorted finds one by its key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, NamedTuple

import numpy as np


class Level(NamedTuple):
    """The n-grams of one order.

    Attributes:
        keys: int64[nodes], ascending.
        counts: int64[nodes].
    """

    keys: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class NgramCounts:
    """The distinct n-grams of a text and how often each was seen.

    Attributes:
        vocab_size: indices are in [0, vocab_size).
        line_end: index of what ends a line, which every document is read as if it followed.
        levels: of order 1, 2, ...
    """

    vocab_size: int
    line_end: int
    levels: tuple[Level, ...]

    @property
    def size(self) -> int:
        """How many n-grams there are, of all orders together."""
        return sum(len(level.keys) for level in self.levels)

    def save(self, file: BinaryIO) -> None:
        """Writes what `load` reads, as NumPy's .npz."""
        arrays = {"header": np.array([self.vocab_size, self.line_end, len(self.levels)])}
        for order, level in enumerate(self.levels, 1):
            arrays |= {f"keys_{order}": level.keys, f"counts_{order}": level.counts}
        np.savez(_Stream(file), **arrays)  # at once: as bytes it would be held twice more

    @classmethod
    def load(cls, file: BinaryIO) -> "NgramCounts":
        """Reads what `save` wrote."""
        with np.load(BytesIO(file.read())) as arrays:
            vocab_size, line_end, orders = arrays["header"].tolist()
            levels = [
                Level(arrays[f"keys_{order}"], arrays[f"counts_{order}"])
                for order in range(1, orders + 1)
            ]
        return cls(vocab_size, line_end, tuple(levels))


class _Stream:
    """A file that cannot seek, as not every file system can: the format has a way for such."""

    read = None  # by which NumPy knows a file

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.flush = file.flush

    def write(self, data: bytes) -> int:
        """Writes all of it, and says so, as TensorFlow's files do not."""
        self._file.write(data)
        return len(data)


class Stretch(NamedTuple):
    """Characters in one piece, of which the n-grams that end at `first` or later are counted.

    Attributes:
        ids: int64[n].
        first: characters before it are there for the n-grams that reach back to them.
    """

    ids: np.ndarray
    first: int


def count(stretches: Sequence[Stretch], vocab_size: int, line_end: int, order: int) -> NgramCounts:
    """Counts the n-grams of orders 1 to `order`, none of which goes from stretch to stretch."""
    ids = np.concatenate([stretch.ids for stretch in stretches])  # [n]
    lengths = [len(stretch.ids) for stretch in stretches]
    of = np.repeat(np.arange(len(stretches)), lengths)  # [n], the stretch of each character
    counted = np.concatenate(
        [np.arange(len(stretch.ids)) >= stretch.first for stretch in stretches]
    )
    levels = []
    starts = np.arange(len(ids))  # of the k-grams that there are
    nodes = np.zeros(len(ids), np.int64)  # by start, the row of its (k-1)-gram
    for last in range(order):  # from a k-gram's start to its last character
        starts = starts[starts + last < len(ids)]
        starts = starts[of[starts] == of[starts + last]]
        keys, rows = np.unique(nodes[starts] * vocab_size + ids[starts + last], return_inverse=True)
        nodes[starts] = rows
        levels.append(Level(keys, _sums(rows, counted[starts + last], len(keys))))
    return NgramCounts(vocab_size, line_end, tuple(levels))


def merge(parts: Iterable[NgramCounts]) -> NgramCounts:
    """The sum of one or more counts of the same orders and vocabulary."""
    parts = list(parts)
    vocab_size = parts[0].vocab_size
    levels = []
    rows = [np.zeros(1, np.int64)] * len(parts)  # where each part's nodes are in the sum
    for sources in zip(*(part.levels for part in parts), strict=True):
        keys = [
            _moved(source.keys, to, vocab_size) for source, to in zip(sources, rows, strict=True)
        ]
        keys, merged = np.unique(np.concatenate(keys), return_inverse=True)
        counts = np.concatenate([source.counts for source in sources])
        levels.append(Level(keys, _sums(merged, counts, len(keys))))
        rows = np.split(merged, np.cumsum([len(source.keys) for source in sources])[:-1])
    return NgramCounts(vocab_size, parts[0].line_end, tuple(levels))


def _moved(keys: np.ndarray, rows: np.ndarray, vocab_size: int) -> np.ndarray:
    """The keys of nodes whose parents are now in other rows."""
    parents, characters = np.divmod(keys, vocab_size)
    return rows[parents] * vocab_size + characters


def _sums(groups: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """int64[size]: the sum of the values of each group; exact, as they are below 2^53."""
    return np.bincount(groups, values, size).astype(np.int64)
