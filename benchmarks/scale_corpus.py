"""Corpora of a chosen size that are like songci: its poems, and its lines in other orders.

The first copy is songci itself. In every further one a seeded permutation deals all its lines out
anew; titles and blank lines count as lines, so that documents keep their number of lines and no
document is a copy of another. Inside a line all is as before: of n-grams, the larger corpora have
fewer distinct ones than as much new text would have, and no new character at all.
"""

import itertools
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

Texts = dict[str, str]  # by the name of the member

SEED = 0


def read(path: Path) -> Texts:
    """The texts of a zip of UTF-8."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def write(texts: Texts, copies: float, path: Path) -> int:
    """Writes so many times a corpus, the first time as it is; returns the characters.

    Args:
        texts: the corpus.
        copies: a whole number, or a part of one copy: its first documents.
        path: of the zip.
    """
    characters = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for copy in range(int(max(copies, 1))):
            made = texts if copy == 0 else _permuted(texts, copy)
            names = list(made)[: max(1, round(len(made) * min(copies, 1)))]
            for name in names:
                archive.writestr(f"{copy:03d}/{name}", made[name])
                characters += len(made[name])
    return characters


def _permuted(texts: Texts, copy: int) -> Texts:
    """The same documents, as many lines in each, but any of all the lines."""
    documents = [text.split("\n") for text in texts.values()]
    lines = list(itertools.chain.from_iterable(documents))
    order = np.random.default_rng([SEED, copy]).permutation(len(lines))
    dealt = (lines[place] for place in order)
    return dict(zip(texts, _dealt(documents, dealt), strict=True))


def _dealt(documents: Sequence[Sequence[str]], lines: Iterator[str]) -> Iterator[str]:
    for document in documents:
        yield "\n".join(itertools.islice(lines, len(document)))
