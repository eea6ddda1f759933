"""Which texts are copies of others, or nearly: a held-out song must not be trained on too.

Of every stretch of `_SHINGLE` characters, white space aside, a hash is taken, and of all hashes the
same eighth is kept. A text is a copy of one that is as long, or longer, and has most of its hashes.
One too short for that is a copy only of one that is the same, white space aside.

Source: Broder (1997), "On the resemblance and containment of documents" (containment, modulo
sketches).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

_SHINGLE = 6
_KEPT = 8  # a hash in so many
_FEWEST = 8  # hashes that tell something
_COPIED = 0.8  # share of a copy's hashes that the original has
_COMMON = 100  # a stretch in more texts than that is no sign of a copy


def originals(texts: Iterable[str]) -> dict[int, int]:
    """Of each text that is a copy, its number to that of what it copies, which is no copy itself.

    Takes some 20 bytes a character meanwhile, and some 2 seconds a million.

    Args:
        texts: numbered as they come.
    """
    sketches = [_sketch(text) for text in texts]
    holders: defaultdict[int, list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for number in sorted(range(len(sketches)), key=lambda number: -len(sketches[number])):
        shared: Counter[int] = Counter()
        for value in sketches[number].tolist():
            known = holders[value]
            if len(known) < _COMMON:
                shared.update(known)
                known.append(number)
        for other, count in shared.most_common(1):
            if count >= _COPIED * len(sketches[number]):
                found[number] = found.get(other, other)
    return found


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
