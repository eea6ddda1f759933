"""Options of the n-gram language model and its cache, checked on construction."""

from dataclasses import dataclass

from modules.checks import check_range

MAX_NGRAM_ORDER = 6  # beyond it a corpus of lyrics has hardly a history twice
MAX_CACHE_SIZE = 10_000  # characters that are read again for each scored window


@dataclass(frozen=True)
class NgramOptions:
    """The n-gram model that the network is compared with.

    Attributes:
        ngram_order: characters of the longest n-gram that is counted.
        cache_size: characters before a scored one that the cache remembers; 0 has no cache.
        cache_weight: share of the cache in the n-gram model with cache. On parts set aside from
            training texts 0.35 was best for songs, which repeat their choruses, and 0.05 for
            classical poems, which do not.
    """

    ngram_order: int = 5
    cache_size: int = 500
    cache_weight: float = 0.3

    def __post_init__(self) -> None:
        check_range("ngram_order", self.ngram_order, 1, MAX_NGRAM_ORDER)
        check_range("cache_size", self.cache_size, 0, MAX_CACHE_SIZE)
        check_range("cache_weight", self.cache_weight, 0, 1)
