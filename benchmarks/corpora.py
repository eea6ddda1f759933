"""The texts that are measured on. Those at `../shared/data` are not part of this project."""

import zipfile
from pathlib import Path

import numpy as np

from benchmarks.task import Task
from pipeline.config import BUNDLED_CORPUS

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
BOOK = SHARED_DATA / "jaychou_lyrics.txt.zip"
SONGCI = SHARED_DATA / "songci.zip"
BOOK_CHARACTERS = 10_000
# Those that are held out from, by name.
CORPORA = {"bundled": Path(BUNDLED_CORPUS), "jaychou": BOOK, "songci": SONGCI}


def book_text() -> str | None:
    """The book's corpus; None where it is absent.

    Source: Dive into Deep Learning, section 6.3.
    """
    if not BOOK.is_file():
        return None
    with zipfile.ZipFile(BOOK) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    return text[:BOOK_CHARACTERS].replace("\n", " ")


def book_ids() -> np.ndarray:
    """int64[10,000]: the book's corpus as indices; a synthetic one where it is absent."""
    text = book_text()
    if text is None:
        return synthetic_ids()
    return np.unique(list(text), return_inverse=True)[1].astype(np.int64)


def synthetic_ids() -> np.ndarray:
    """int64[10,000]: indices below the book's vocabulary, drawn as Zipf's law has it."""
    frequencies = 1 / np.arange(1, Task.vocab_size + 1)
    draw = np.random.default_rng(0).choice
    return draw(Task.vocab_size, BOOK_CHARACTERS, p=frequencies / frequencies.sum())
