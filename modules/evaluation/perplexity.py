"""Perplexity, and what has to be added up for it.

Perplexity is exp(total negative log-likelihood / scored characters): 1 for a model that is
always sure and right, the size of the vocabulary for one that knows nothing.
Source: Dive into Deep Learning, section 6.4.6.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modules import contract
from modules.evaluation.figures import CHARACTERS, FIGURES, UNKNOWN_SHARE, outputs


@dataclass
class Tally:
    """Sums over scored characters, from which every reported figure follows.

    A model must not win by forgetting: with a smaller vocabulary more characters are the
    one, likely `<unk>`. So an unknown character costs -log P(`<unk>`) plus the logarithm of
    the number of distinct unknown characters: what it takes to say which of them it was. All
    models that are compared have one vocabulary, so all of them pay it alike.

    Attributes:
        nats: negative log-likelihoods, by output of `evaluate`; NaN where that is not known for
            all of the characters.
        characters: how many were scored.
        unknown_count: how many of them are not in the vocabulary.
        unknown: the distinct ones among those.
    """

    nats: dict[str, float] = field(default_factory=lambda: dict.fromkeys(outputs(), 0.0))
    characters: int = 0
    unknown_count: int = 0
    unknown: set[str] = field(default_factory=set)

    def add(self, row: Mapping[str, Any]) -> None:
        """Adds one scored text: what `evaluate` put out for it, by name.

        What is missing, as in the answers of a model from before there was such an output, is
        not known.
        """
        unknown = row[contract.UNKNOWN_CHARACTERS].decode()
        for name in self.nats:
            self.nats[name] += float(row.get(name, math.nan))
        self.characters += int(row[contract.CHARACTERS])
        self.unknown_count += len(unknown)
        self.unknown.update(unknown)

    def merge(self, other: "Tally") -> None:
        """Adds all that `other` holds."""
        for name, nats in other.nats.items():
            self.nats[name] += nats
        self.characters += other.characters
        self.unknown_count += other.unknown_count
        self.unknown |= other.unknown

    @property
    def perplexity(self) -> float:
        """Of the model; infinite where no character was scored."""
        return self._perplexity(contract.NATS)

    @property
    def figures(self) -> dict[str, float]:
        """All that is measured, by name."""
        measured = {}
        for name, figure in FIGURES.items():
            if figure.nats:
                measured[name] = self._perplexity(figure.nats)
            if figure.ratio:
                measured[figure.ratio] = self.perplexity / measured[name]
        unknown_share = self.unknown_count / self.characters if self.characters else 0.0
        return measured | {CHARACTERS: float(self.characters), UNKNOWN_SHARE: unknown_share}

    def _perplexity(self, output: str) -> float:
        if not self.characters:
            return math.inf
        nats = self.nats[output] + self.unknown_count * math.log(len(self.unknown) or 1)
        return perplexity_of(nats / self.characters)


def perplexity_of(nats_per_character: float) -> float:
    """exp; infinite where that is too large for a float."""
    try:
        return math.exp(nats_per_character)
    except OverflowError:
        return math.inf
