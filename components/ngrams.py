"""What an artifact `components.Ngrams` holds: one file of NgramCounts."""

import os

from tfx.dsl.io import fileio

from modules.ngrams.counts import NgramCounts

_FILE = "counts.npz"


def save(counts: NgramCounts, directory: str) -> None:
    """Writes counts to an artifact's directory."""
    with fileio.open(os.path.join(directory, _FILE), "wb") as file:
        counts.save(file)


def load(directory: str) -> NgramCounts:
    """Reads them back."""
    with fileio.open(os.path.join(directory, _FILE), "rb") as file:
        return NgramCounts.load(file)
