"""What the n-grams of the training text and the cache say of a window's characters."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components import ngrams
from modules.features import CACHE_NATS, NGRAM_NATS
from modules.ngrams.cache import cache_log_probabilities
from modules.ngrams.counts import NgramCounts
from modules.ngrams.kneser_ney import KneserNey
from modules.ngrams.options import MAX_NGRAM_ORDER


@dataclass(frozen=True)
class NgramScores:
    """Scores characters as if their whole document had been read before them.

    It is sent to workers as it is made; one that scores loads the counts, once.

    Attributes:
        directory: of the artifact with the counts.
        cache_size: characters that the cache remembers; 0 has no cache.
    """

    directory: str
    cache_size: int

    @property
    def history(self) -> int:
        """Characters before a scored one that bear on its scores, at most."""
        return max(self.cache_size, MAX_NGRAM_ORDER - 1)

    def features(self, ids: np.ndarray, first: int, at_start: bool) -> dict[str, np.ndarray]:
        """NGRAM_NATS and, where there is a cache, CACHE_NATS.

        Args:
            ids: int64[n], characters of one document.
            first: the first one to score, `history` characters after the first one here, or as
                many as there are.
            at_start: whether they are the document's first: these follow a line end.

        Returns:
            By feature float32[n - first], nats.
        """
        line_end = np.full(int(at_start), self._counts.line_end)
        log_probabilities = self._model.log_probabilities(np.concatenate([line_end, ids]))
        scores = {NGRAM_NATS: -log_probabilities[len(line_end) + first :]}
        if self.cache_size:
            vocab_size = self._counts.vocab_size
            scores[CACHE_NATS] = -cache_log_probabilities(ids, self.cache_size, vocab_size)[first:]
        return {name: nats.astype(np.float32) for name, nats in scores.items()}

    @cached_property
    def _counts(self) -> NgramCounts:
        return ngrams.load(self.directory)

    @cached_property
    def _model(self) -> KneserNey:
        return KneserNey(self._counts)
