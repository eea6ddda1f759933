"""What is set aside to be scored: whole documents, or the corpus's tail after a gap.

Lyrics are ordered text and repeat themselves. A split by lines would put one chorus in both
splits and score memory as if it were skill; so a split never goes through a document, or it
goes through once, and then leaves out what lies before the cut.

    documents   train       | 0 |   | 2 |   | 4 |   | 6 | ...
                validation  |           | 3 |
                eval        |   | 1 |           | 5 |

    tail        train       | 0 | 1 | 2 ....|
                validation                   <gap>|... 2 |
                eval                                      <gap>| 3 | 4 |

`eval` tells how good a model is. Whatever is chosen while it is made, such as the epoch to stop
at, is chosen on `validation` where there is one: a part of what would else be trained on.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from modules.checks import Options, option
from modules.corpus.documents import Document
from modules.corpus.strict import first_of
from modules.errors import ConfigError
from modules.features import EVAL, SPLITS, TRAIN, VALIDATION

_logger = logging.getLogger(__name__)

Policy = Literal["auto", "documents", "tail", "none"]

MANY = 10  # documents, from which on `auto` holds out whole ones


class Share(NamedTuple):
    """A split to be set aside, and the option that says how much of what is left it takes."""

    split: str
    option: str
    ratio: float


@dataclass(frozen=True)
class HoldOut(Options, group="Hold-out"):
    """What to hold out."""

    hold_out_policy: Policy = option(
        "auto",
        f"Hold out whole documents, chosen by a hash of their names; the corpus's tail; or none. "
        f"auto: documents, from {MANY} of them on.",
    )
    hold_out_ratio: float = option(
        0.1, "Share of the characters to hold out.", low=0.001, high=0.999
    )
    hold_out_gap: int = option(
        250, "Characters left out before a tail, lest a chorus cut in two be scored.", low=0
    )
    validation_ratio: float = option(
        0.0,
        "Share of the rest to set aside, by the same policy, to stop training by; 0 takes the "
        "held-out text for it.",
        low=0,
        high=0.5,
    )

    copies: Literal["together", "keep", "drop", "refuse"] = option(
        "together",
        "Songs that are copies of others, or nearly: in one split with them; in any; left out; or "
        "refused.",
    )

    @property
    def shares(self) -> list[Share]:
        """What is set aside, one after the other, each from what the ones before have left."""
        shares = []
        if self.hold_out_policy != "none":
            shares.append(Share(EVAL, "hold_out_ratio", self.hold_out_ratio))
        if self.validation_ratio:
            shares.append(Share(VALIDATION, "validation_ratio", self.validation_ratio))
        return shares

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that a corpus is cut into."""
        made = {TRAIN, *(share.split for share in self.shares)}
        return tuple(split for split in SPLITS if split in made)


@dataclass(frozen=True)
class Piece:
    """Characters `[start, stop)` of a document, which belong to a split."""

    document_index: int
    split: str
    start: int
    stop: int


def plan(
    documents: Sequence[Document],
    hold_out: HoldOut,
    originals: Mapping[int, int] = MappingProxyType({}),
) -> list[Piece]:
    """Cuts documents into the pieces of the splits, in reading order.

    Args:
        documents: in reading order, at least one.
        hold_out: what to hold out.
        originals: of documents that are copies, their indices to those of what they copy.

    Raises:
        ConfigError: if a split would be empty, or copies are refused.
    """
    policy, shares = hold_out.hold_out_policy, hold_out.shares
    if originals and hold_out.copies == "refuse":
        names = {document.index: document.name for document in documents}
        named = [f"{names[copy]!r} copies {names[of]!r}" for copy, of in sorted(originals.items())]
        raise ConfigError(
            "{copies} refuses copies, which the corpus has: {named}: take them out, or give "
            "{copies:together}",
            vars(hold_out),
            named=first_of(named),
        )
    if hold_out.copies == "drop":
        documents = [document for document in documents if document.index not in originals]
    if hold_out.copies != "together":
        originals = {}
    if policy == "documents" or (policy != "tail" and len(documents) >= MANY):
        return _deal_documents(documents, shares, originals)
    return list(_cut_tail(documents, shares, hold_out.hold_out_gap))


def _deal_documents(
    documents: Sequence[Document], shares: Sequence[Share], originals: Mapping[int, int]
) -> list[Piece]:
    """Every document to one split, a copy to its original's."""
    if len(documents) <= len(shares):
        raise ConfigError(
            f"{{hold_out_policy:documents}} needs at least {len(shares) + 1} documents; the corpus "
            f"has {len(documents)}: give more, or {{hold_out_policy:tail}}",
            {"hold_out_policy": "documents"},
        )
    if len(documents) - len(originals) <= len(shares):
        _logger.warning("all songs are copies of so few that these cannot be kept apart")
        originals = {}
    splits: dict[int, str] = {}  # by the original's index
    families = _families(documents, originals)
    for number, share in enumerate(shares):
        left = [family for family in families if family.index not in splits]
        chosen = _chosen_for(left, share, spared=len(shares) - number)
        splits |= dict.fromkeys(chosen, share.split)
    return [
        Piece(
            document.index,
            splits.get(originals.get(document.index, document.index), TRAIN),
            0,
            document.characters,
        )
        for document in documents
    ]


def _families(documents: Sequence[Document], originals: Mapping[int, int]) -> list[Document]:
    """The originals, each as long as it is with all its copies."""
    lengths: Counter[int] = Counter()
    for document in documents:
        lengths[originals.get(document.index, document.index)] += document.characters
    return [
        replace(document, characters=lengths[document.index])
        for document in documents
        if document.index not in originals
    ]


def _chosen_for(documents: Sequence[Document], share: Share, spared: int) -> set[int]:
    """Indices, in the order of the names' hashes, of all that bring the sum closer to the ratio.

    Args:
        documents: what to choose from.
        share: what to choose for.
        spared: documents that have to be left, for the other splits.
    """
    salt = "" if share.split == EVAL else share.split  # each split has an order of its own
    wanted = share.ratio * sum(document.characters for document in documents)
    in_order = sorted(documents, key=lambda document: _stable_hash(salt + document.name))
    chosen: set[int] = set()
    for document in in_order:
        closer = abs(wanted - document.characters) < abs(wanted)
        if closer and len(chosen) < len(documents) - spared:
            chosen.add(document.index)
            wanted -= document.characters
    # Where each is much larger than wanted, the smallest is the closest.
    return chosen or {min(in_order, key=lambda document: document.characters).index}


def _stable_hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _cut_tail(documents: Sequence[Document], shares: Sequence[Share], gap: int) -> Iterator[Piece]:
    """Each share from the end of what is left, and a gap before it."""
    total = stop = sum(document.characters for document in documents)
    spans = []  # from the corpus's end on
    for share in shares:
        start = stop - max(round(stop * share.ratio), 1)
        spans.append((share.split, start, stop))
        stop = start - gap
        if stop <= 0:
            raise ConfigError(
                f"{{{share.option}}} and {{hold_out_gap}} leave nothing to train on; the corpus "
                f"has {total} characters: give more text, or a smaller ratio or gap",
                {share.option: share.ratio, "hold_out_gap": gap},
            )
    spans.append((TRAIN, 0, stop))
    offset = 0  # of the document in the corpus
    for document in documents:
        end = offset + document.characters
        for split, low, high in reversed(spans):
            start, stop = max(low, offset), min(high, end)
            if start < stop:
                yield Piece(document.index, split, start - offset, stop - offset)
        offset = end
