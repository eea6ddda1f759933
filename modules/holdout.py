"""What is held out to be scored: whole documents, or the corpus's tail after a gap.

Lyrics are ordered text and repeat themselves. A split by lines would put one chorus in both
splits and score memory as if it were skill; so a split never goes through a document, or it
goes through once, and then leaves out what lies before the cut.

    documents   train  | 0 |   | 2 | 3 | 4 |   | 6 | ...
                eval       | 1 |           | 5 |

    tail        train  | 0 | 1 | 2 ..........|
                eval                         |<gap>|... 2 | 3 |
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from modules.corpus import Document
from modules.errors import ConfigError
from modules.features import EVAL, TRAIN
from modules.hyperparameters import check_choice, check_range

Policy = Literal["auto", "documents", "tail", "none"]

MANY = 10  # documents, from which on `auto` holds out whole ones


@dataclass(frozen=True)
class HoldOut:
    """What to hold out.

    Attributes:
        hold_out_policy: `documents` holds out whole ones, chosen by a hash of their names;
            `tail` the end of the corpus; `auto` is `documents` from ten documents on, else
            `tail`; `none` trains on everything.
        hold_out_ratio: how many of the corpus's characters to hold out, as a share.
        hold_out_gap: characters left out before the tail, so that a chorus cut in two is not
            scored.
    """

    hold_out_policy: Policy = "auto"
    hold_out_ratio: float = 0.1
    hold_out_gap: int = 250

    def __post_init__(self) -> None:
        check_choice("hold_out_policy", self.hold_out_policy, get_args(Policy))
        if not 0 < self.hold_out_ratio < 1:
            raise ConfigError(
                f"hold_out_ratio={self.hold_out_ratio} is out of range: "
                "give a share between 0 and 1"
            )
        check_range("hold_out_gap", self.hold_out_gap, 0)


@dataclass(frozen=True)
class Piece:
    """Characters `[start, stop)` of a document, which belong to a split."""

    document_index: int
    split: str
    start: int
    stop: int


def plan(documents: Sequence[Document], hold_out: HoldOut) -> list[Piece]:
    """Cuts documents into the pieces of the splits, in reading order.

    Args:
        documents: in reading order, at least one.
        hold_out: what to hold out.

    Raises:
        ConfigError: if a split would be empty.
    """
    if hold_out.hold_out_policy == "none":
        return [_whole(document, TRAIN) for document in documents]
    by_documents = len(documents) >= MANY and hold_out.hold_out_policy == "auto"
    if by_documents or hold_out.hold_out_policy == "documents":
        held_out = _held_out_names(documents, hold_out.hold_out_ratio)
        return [_whole(doc, EVAL if doc.name in held_out else TRAIN) for doc in documents]
    return list(_cut_tail(documents, hold_out))


def _whole(document: Document, split: str) -> Piece:
    return Piece(document.index, split, 0, document.characters)


def _held_out_names(documents: Sequence[Document], ratio: float) -> set[str]:
    """In the order of their names' hashes, every document that brings the sum closer to ratio."""
    if len(documents) < 2:
        raise ConfigError(
            f"hold_out_policy='documents' needs at least 2 documents; the corpus has "
            f"{len(documents)}: give more, or hold_out_policy='tail'"
        )
    wanted = ratio * sum(document.characters for document in documents)
    in_order = sorted(documents, key=lambda document: _stable_hash(document.name))
    held_out: set[str] = set()
    for document in in_order:
        if abs(wanted - document.characters) < abs(wanted) and len(held_out) < len(documents) - 1:
            held_out.add(document.name)
            wanted -= document.characters
    # Where each is much larger than wanted, the smallest is the closest.
    return held_out or {min(in_order, key=lambda document: document.characters).name}


def _stable_hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _cut_tail(documents: Sequence[Document], hold_out: HoldOut) -> Iterator[Piece]:
    """Everything before the gap, and everything after it."""
    total = sum(document.characters for document in documents)
    tail_start = total - max(round(total * hold_out.hold_out_ratio), 1)
    train_stop = tail_start - hold_out.hold_out_gap
    if train_stop <= 0:
        raise ConfigError(
            f"hold_out_ratio={hold_out.hold_out_ratio} and hold_out_gap={hold_out.hold_out_gap} "
            f"leave nothing to train on; the corpus has {total} characters: "
            "give more text, or a smaller ratio or gap"
        )
    offset = 0  # of the document in the corpus
    for document in documents:
        end = offset + document.characters
        for split, low, high in ((TRAIN, 0, train_stop), (EVAL, tail_start, total)):
            start, stop = max(low, offset), min(high, end)
            if start < stop:
                yield Piece(document.index, split, start - offset, stop - offset)
        offset = end
