"""Options of the n-gram language model and its cache."""

from dataclasses import dataclass

from modules.checks import Options, option

MAX_NGRAM_ORDER = 6  # beyond it a corpus of lyrics has hardly a history twice
MAX_CACHE_SIZE = 10_000  # characters that are read again for each scored window


@dataclass(frozen=True)
class NgramOptions(Options, group="N-grams"):
    """The n-gram model that the network is compared with."""

    ngram_order: int = option(5, "Characters of the longest n-gram.", low=1, high=MAX_NGRAM_ORDER)
    cache_size: int = option(
        500, "Characters that the n-gram's cache remembers; 0 has none.", low=0, high=MAX_CACHE_SIZE
    )
    # On parts set aside from training texts 0.35 was best for songs, which repeat their choruses,
    # and 0.05 for classical poems, which do not.
    cache_weight: float = option(0.3, "The cache's share beside the n-gram.", low=0, high=1)
