r"""The cache: a language model of the last characters only, since lyrics repeat themselves.

The counts of orders 3, 2 and 1 among the last `cache_size` characters, interpolated after Witten
and Bell. A character w after the history h, of which h' is all but the first character:

    P(w | h) = (c(h w) + N(h) P(w | h')) / (c(h .) + N(h))

c counts within the cache, N(h) is the number of distinct characters in it after h, and below
order 1 every entry of the vocabulary is as likely. A history that is not in the cache tells
nothing: P(w | h) = P(w | h').

An n-gram that ends at character j is in the cache of the characters from j + 1 on, until its own
first character has left. So each count is a count of intervals, and all of them, for every
character of a text, come from a few sorted arrays, whatever the size of the cache.

Source: Kuhn and De Mori, "A cache-based natural language model for speech recognition" (1990);
Witten and Bell, "The zero-frequency problem" (1991), as in Chen and Goodman (1999), section 2.4.
"""

import numpy as np

CACHE_ORDER = 3


def cache_log_probabilities(ids: np.ndarray, cache_size: int, vocab_size: int) -> np.ndarray:
    """Log P of each character, in nats, under the cache of those before it in `ids`.

    Args:
        ids: int64[n], of one stretch of text. The cache is empty before the first character.
        cache_size: characters that it remembers, at least 1.
        vocab_size: `ids` are in [0, vocab_size).

    Returns:
        float64[n].
    """
    probabilities = np.full(len(ids), 1 / vocab_size)
    histories = np.zeros(len(ids), np.int64)  # [n], a number for each distinct one
    for order in range(1, min(CACHE_ORDER, len(ids), cache_size) + 1):
        end = np.arange(order - 1, len(ids))  # [m], the last characters of the n-grams
        history = histories[end]
        _, gram = np.unique(history * vocab_size + ids[end], return_inverse=True)  # [m]
        enters = end + 1
        leaves = end - order + 1 + cache_size + 1
        count = _present(gram, enters, leaves, end)
        total = _present(history, enters, leaves, end)
        # Of equal n-grams in the cache only the last counts as a kind.
        kinds = _present(history, enters, np.minimum(leaves, _next_equal(gram, end) + 1), end)
        backed_off = count + kinds * probabilities[end]
        seen = total > 0
        probabilities[end[seen]] = backed_off[seen] / (total + kinds)[seen]
        histories[order:] = gram[:-1]
    return np.log(probabilities)


def _present(
    group: np.ndarray, enters: np.ndarray, leaves: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """How many of the intervals [enters, leaves) of the same group hold each one's own `time`."""
    span = leaves.max() + 1
    now = group * span + time
    entered = np.searchsorted(np.sort(group * span + enters), now, side="right")
    left = np.searchsorted(np.sort(group * span + leaves), now, side="right")
    return entered - left  # intervals of lower groups are in both


def _next_equal(group: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The time of the next of the same group; beyond all times where there is none."""
    order = np.argsort(group, kind="stable")
    following = np.full(len(group), np.iinfo(np.int64).max - 1)
    again = group[order[1:]] == group[order[:-1]]
    following[order[:-1][again]] = time[order[1:][again]]
    return following
