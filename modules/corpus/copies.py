"""Which texts are copies of others, or nearly: a held-out song must not be trained on too.

Of every stretch of `_SHINGLE` characters, white space aside, a hash is taken, and of all hashes the
same eighth is kept. A text is a copy of one that is as long, or longer, and has most of its hashes.
One too short for that is a copy only of one that is the same, white space aside.

Source: Broder (1997), "On the resemblance and containment of documents" (containment, modulo
sketches).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

_SHINGLE = 6
_KEPT = 8  # a hash in so many
_FEWEST = 8  # hashes that tell something
_COPIED = 0.8  # share of a copy's hashes that the original has
_COMMON = 100  # a stretch in more texts than that is no sign of a copy


def originals(texts: Iterable[str]) -> dict[int, int]:
    """Of each text that is a copy, its number to that of what it copies, which is no copy itself.

    Takes some 4 bytes a character meanwhile, and some tenths of a second a million.

    Args:
        texts: numbered as they come.
    """
    sketches = [_sketch(text) for text in texts]
    lengths = np.array([len(sketch) for sketch in sketches], np.int64)
    in_order = np.argsort(-lengths, kind="stable")  # the longest text has rank 0
    shared = _of_several(sketches)
    if not len(shared):
        return {}
    of_several = [_among(sketches[text], shared) for text in in_order]
    del sketches
    stops = np.cumsum([0, *map(len, of_several)])  # of each text's hashes, in that order
    holders = _holders(np.concatenate(of_several), stops[1:])
    found: dict[int, int] = {}
    for rank, number in enumerate(in_order.tolist()):
        other, count = _most_like(holders, stops[rank], stops[rank + 1])
        if count and count >= _COPIED * lengths[number]:
            original = int(in_order[other])
            found[number] = found.get(original, original)
    return found


def _of_several(sketches: Sequence[np.ndarray]) -> np.ndarray:
    """The hashes that more than one text has, ascending: most are of one, and tell nothing."""
    hashes = np.concatenate([np.empty(0, np.uint64), *sketches])  # of no text, none
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _among(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Those that are known, of which there is one; np.isin would go through all for each text."""
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return hashes[known[places] == hashes]


class _Holders(NamedTuple):
    """Which texts have a hash.

    Attributes:
        ranks: int32[hashes], of the texts with the least hash, with the next one, and so on; those
            of one hash ascend.
        shared: int64[shared], which hashes longer texts have too, counted from text to text.
        first: int64[shared], of each of these, where in `ranks` the texts with it begin.
        longer: int64[shared], how many of them are longer than its own.
    """

    ranks: np.ndarray
    shared: np.ndarray
    first: np.ndarray
    longer: np.ndarray


def _holders(hashes: np.ndarray, stops: np.ndarray) -> _Holders:
    """Who has the hashes uint64[n] of all texts, which stop there."""
    order = np.argsort(hashes, kind="stable")
    ranks = np.searchsorted(stops, order, side="right").astype(np.int32)
    ordered = hashes[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    del ordered
    place = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    kept = np.flatnonzero((place > 0) & (place < _COMMON))  # of them, in the order of hashes
    kept = kept[np.argsort(order[kept])]
    return _Holders(ranks, order[kept], kept - place[kept], place[kept])


def _most_like(holders: _Holders, start: int, stop: int) -> tuple[int, int]:
    """The longer text that shares most with one whose hashes are [start, stop), and how many."""
    own = slice(*np.searchsorted(holders.shared, [start, stop]))
    first, longer = holders.first[own], holders.longer[own]
    within = np.arange(longer.sum()) - np.repeat(np.cumsum(longer) - longer, longer)
    others = holders.ranks[np.repeat(first, longer) + within]
    if not len(others):
        return 0, 0
    ranks, seen, counts = np.unique(others, return_index=True, return_counts=True)
    best = np.lexsort([seen, -counts])[0]  # of equals the one that was met first
    return int(ranks[best]), int(counts[best])


def _sketch(text: str) -> np.ndarray:
    """Hashes of a text, uint64; of a short one that of all of it."""
    codes = np.frombuffer("".join(text.split()).encode("utf-32-le"), np.uint32).astype(np.uint64)
    hashes = _hashes(codes, _SHINGLE)
    kept = np.unique(hashes[hashes % np.uint64(_KEPT) == 0])
    return kept if len(kept) >= _FEWEST else _hashes(codes, len(codes))


def _hashes(codes: np.ndarray, length: int) -> np.ndarray:
    """Of every stretch of a length."""
    stretches = max(len(codes) - length + 1, 0)
    hashes = np.zeros(stretches, np.uint64)
    for place in range(length):
        hashes = (hashes ^ codes[place : place + stretches]) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    return hashes
