"""Perplexity, and what has to be added up for it.

Perplexity is exp(total negative log-likelihood / scored characters): 1 for a model that is
always sure and right, the size of the vocabulary for one that knows nothing.
Source: Dive into Deep Learning, section 6.4.6.
"""

import math
from dataclasses import dataclass, field, fields

# The figures of a Tally: what the Evaluator writes, the gate bounds and the summary shows.
PERPLEXITY = "perplexity"
UNIGRAM_PERPLEXITY = "unigram_perplexity"
UNIFORM_PERPLEXITY = "uniform_perplexity"
UNIGRAM_RATIO = "perplexity_to_unigram"  # below 1: better than the unigram model
UNKNOWN_SHARE = "unknown_share"
CHARACTERS = "characters"
# Those that take an n-gram model, a cache or a mixture; NaN where there is none.
NGRAM_PERPLEXITY = "ngram_perplexity"
NGRAM_CACHE_PERPLEXITY = "ngram_cache_perplexity"
MIXTURE_PERPLEXITY = "mixture_perplexity"
NGRAM_RATIO = "perplexity_to_ngram"  # below 1: better than the n-gram model, without its cache
OPTIONAL = {NGRAM_PERPLEXITY, NGRAM_CACHE_PERPLEXITY, MIXTURE_PERPLEXITY, NGRAM_RATIO}


@dataclass
class Tally:
    """Sums over scored characters, from which every reported figure follows.

    A model must not win by forgetting: with a smaller vocabulary more characters are the
    one, likely `<unk>`. So an unknown character costs -log P(`<unk>`) plus the logarithm of
    the number of distinct unknown characters: what it takes to say which of them it was. All
    models that are compared have one vocabulary, so all of them pay it alike.

    Attributes:
        nats: negative log-likelihood under the model.
        unigram_nats: the same under the unigram model.
        uniform_nats: the same under the uniform model.
        characters: how many were scored.
        unknown_count: how many of them are not in the vocabulary.
        unknown: the distinct ones among those.
        ngram_nats: negative log-likelihood under the n-gram model; NaN if it is not known for
            all of the characters, as the next two are.
        ngram_cache_nats: the same under the n-gram model with its cache.
        mixture_nats: the same under the mixture of the network and those two.
    """

    nats: float = 0.0
    unigram_nats: float = 0.0
    uniform_nats: float = 0.0
    characters: int = 0
    unknown_count: int = 0
    unknown: set[str] = field(default_factory=set)
    ngram_nats: float = 0.0
    ngram_cache_nats: float = 0.0
    mixture_nats: float = 0.0

    def add(
        self,
        nats: float,
        unigram_nats: float,
        uniform_nats: float,
        characters: int,
        unknown_characters: bytes,
        ngram_nats: float = math.nan,
        ngram_cache_nats: float = math.nan,
        mixture_nats: float = math.nan,
    ) -> None:
        """Adds one scored text: the outputs of the `evaluate` signature for it."""
        unknown = unknown_characters.decode()
        self.nats += float(nats)
        self.unigram_nats += float(unigram_nats)
        self.uniform_nats += float(uniform_nats)
        self.characters += int(characters)
        self.unknown_count += len(unknown)
        self.unknown.update(unknown)
        self.ngram_nats += float(ngram_nats)
        self.ngram_cache_nats += float(ngram_cache_nats)
        self.mixture_nats += float(mixture_nats)

    def merge(self, other: "Tally") -> None:
        """Adds all that `other` holds."""
        for entry in fields(self):
            if entry.name != "unknown":
                total = getattr(self, entry.name) + getattr(other, entry.name)
                setattr(self, entry.name, total)
        self.unknown |= other.unknown

    @property
    def perplexity(self) -> float:
        """Of the model; infinite where no character was scored."""
        return self._perplexity(self.nats)

    @property
    def unigram_perplexity(self) -> float:
        """Of the unigram model with add-one smoothing."""
        return self._perplexity(self.unigram_nats)

    @property
    def uniform_perplexity(self) -> float:
        """Of the uniform model; the size of the vocabulary where every character is known."""
        return self._perplexity(self.uniform_nats)

    @property
    def ngram_perplexity(self) -> float:
        """Of the n-gram model."""
        return self._perplexity(self.ngram_nats)

    @property
    def unknown_share(self) -> float:
        """Of the scored characters, from 0 to 1."""
        return self.unknown_count / self.characters if self.characters else 0.0

    @property
    def figures(self) -> dict[str, float]:
        """All that is reported, by name."""
        return {
            PERPLEXITY: self.perplexity,
            UNIGRAM_PERPLEXITY: self.unigram_perplexity,
            UNIFORM_PERPLEXITY: self.uniform_perplexity,
            UNIGRAM_RATIO: self.perplexity / self.unigram_perplexity,
            UNKNOWN_SHARE: self.unknown_share,
            CHARACTERS: float(self.characters),
            NGRAM_PERPLEXITY: self.ngram_perplexity,
            NGRAM_CACHE_PERPLEXITY: self._perplexity(self.ngram_cache_nats),
            MIXTURE_PERPLEXITY: self._perplexity(self.mixture_nats),
            NGRAM_RATIO: self.perplexity / self.ngram_perplexity,
        }

    def _perplexity(self, nats: float) -> float:
        if not self.characters:
            return math.inf
        nats += self.unknown_count * math.log(len(self.unknown) or 1)
        return perplexity_of(nats / self.characters)


def perplexity_of(nats_per_character: float) -> float:
    """exp; infinite where that is too large for a float."""
    try:
        return math.exp(nats_per_character)
    except OverflowError:
        return math.inf
