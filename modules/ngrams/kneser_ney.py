r"""The n-gram language model: interpolated, modified Kneser-Ney.

A character w after the history h, of which h' is all but the first character:

    P(w | h) = (c(h w) - D(c(h w)) + [the sum of all D(c(h v))] P(w | h')) / c(h .)

Of each count the discount D is taken, and what is taken is shared out as one character less of
history says. Below the highest order c(h w) is not how often h w was seen but after how many
distinct characters it was: "分" of "部分" is frequent, but a poor guess after anything else.
Below order 1 every entry of the vocabulary is as likely, so that one never seen has its share
too. A history never seen tells nothing: P(w | h) = P(w | h').

There are three discounts for each order, from n1, n2, n3 and n4, the n-grams of count 1 to 4:

    D(0) = 0                          Y = n1 / (n1 + 2 n2)
    D(1) = 1 - 2 Y n2 / n1
    D(2) = 2 - 3 Y n3 / n2
    D(c) = 3 - 4 Y n4 / n3            of counts from 3 on

Where the counts are too thin to tell, one of the four being none or D(c) not in (0, c), the order
is Witten-Bell's, in which N(h) is the number of distinct characters after h:

    P(w | h) = (c(h w) + N(h) P(w | h')) / (c(h .) + N(h))

Kneser and Ney's one discount is simpler and no match for three: on held-out lyrics the
perplexity of order 2 is 338 with one and 235 with three, that of order 5 is 224 and 209.

Source: Kneser and Ney, "Improved backing-off for m-gram language modeling" (1995); Chen and
Goodman, "An empirical study of smoothing techniques for language modeling" (1999), sections 2.4,
2.7 and 3. N-grams: Dive into Deep Learning, section 6.1.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from modules.ngrams.counts import Level, NgramCounts


class _Order(NamedTuple):
    """One order: P(w | h) = shares[h w] + backoffs[h] * P(w | h').

    Both arrays end with what holds of an n-gram that is not there, whose row is -1.

    Attributes:
        keys: int64[nodes + 1], of `NgramCounts`, and one that no key is greater than.
        shares: float64[nodes + 1].
        backoffs: float64[nodes of the order below + 1].
    """

    keys: np.ndarray
    shares: np.ndarray
    backoffs: np.ndarray


class KneserNey:
    """Interpolated Kneser-Ney over counts.

    Args:
        counts: of the training text.
        order: of the model, at most what was counted; all of it if None.
    """

    def __init__(self, counts: NgramCounts, order: int | None = None) -> None:
        self._vocab_size = counts.vocab_size
        self._orders = []
        num_histories = 1  # the empty one
        for level, seen in _evidence(counts, order or len(counts.levels)):
            histories = level.keys // counts.vocab_size
            self._orders.append(_smooth(level.keys, histories, seen, num_histories))
            num_histories = len(level.keys)

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Log P of each character, in nats, after those before it in `ids`.

        Args:
            ids: int64[n], of one stretch of text. The first has no history, the second a history
                of one character, and so on up to the order of the model.

        Returns:
            float64[n].
        """
        probabilities = np.full(len(ids), 1 / self._vocab_size)
        histories = np.zeros(len(ids), np.int64)  # the row of the history of each character
        for order in self._orders:
            found = _rows(order.keys, histories * self._vocab_size + ids)
            probabilities = order.shares[found] + order.backoffs[histories] * probabilities
            histories = np.concatenate([[-1], found[:-1]])  # now one character longer
        return np.log(probabilities)

    def log_probability(self, ids: np.ndarray) -> float:
        """Log P of the whole sequence, in nats; see `log_probabilities`."""
        return float(self.log_probabilities(ids).sum())


def _evidence(counts: NgramCounts, order: int) -> list[tuple[Level, np.ndarray]]:
    """For each order the n-grams, and how often each counts as seen, int64[nodes]."""
    levels = counts.levels[:order]
    seen = []
    shorter = np.zeros(len(levels[0].keys), np.int64)  # the row of all but the first character
    for above, level in pairwise(levels):
        parents, characters = np.divmod(level.keys, counts.vocab_size)
        shorter = np.searchsorted(above.keys, shorter[parents] * counts.vocab_size + characters)
        seen.append(np.bincount(shorter[level.counts > 0], minlength=len(above.keys)))
    return list(zip(levels, [*seen, levels[-1].counts], strict=True))


def _smooth(
    keys: np.ndarray, histories: np.ndarray, seen: np.ndarray, num_histories: int
) -> _Order:
    """The order of n-grams with these keys, histories (rows) and counts."""
    totals = np.bincount(histories, seen, num_histories)
    discounts = _discounts(seen)
    if discounts is None:
        taken = (seen > 0).astype(float)  # Witten-Bell adds it to the total and takes nothing off
        kept, totals = seen, totals + np.bincount(histories, taken, num_histories)
    else:
        taken = discounts[np.minimum(seen, 3)]
        kept = seen - taken
    given = np.bincount(histories, taken, num_histories)
    backoffs = np.divide(given, totals, out=np.ones(num_histories), where=totals > 0)
    shares = np.divide(kept, totals[histories], out=np.zeros(len(keys)), where=seen > 0)
    greatest = np.iinfo(np.int64).max
    return _Order(np.append(keys, greatest), np.append(shares, 0.0), np.append(backoffs, 1.0))


def _discounts(seen: np.ndarray) -> np.ndarray | None:
    """float64[4], of the counts 0, 1, 2 and from 3 on; None where they are too thin to tell."""
    n1, n2, n3, n4 = np.bincount(seen, minlength=5)[1:5]
    if not all((n1, n2, n3, n4)):
        return None
    y = n1 / (n1 + 2 * n2)
    discounts = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    possible = (discounts[1:] > 0) & (discounts[1:] < [1, 2, 3])
    return discounts if possible.all() else None


def _rows(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The row of each wanted key; -1 where it is not there."""
    rows = np.searchsorted(keys, wanted)
    return np.where(keys[rows] == wanted, rows, -1)
