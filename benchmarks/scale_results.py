"""What the scale benchmark measures, how that grows, and how it is to grow."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.goal import Goal
from benchmarks.scale_stage import Stage

_TIME, _MEMORY = 1.05, 0.1
_FEWEST_SECONDS = 2.0  # that a stage has to grow by: less tells of the machine
_FEWEST_BYTES = 32 * 2**20  # an allocator's ups and downs
TOGETHER = "together"


@dataclass(frozen=True)
class Size:
    """All stages on one corpus.

    Attributes:
        copies: of songci; a part of it if less than 1.
        characters: in the corpus.
        stages: run in one process each, by the name of the component.
        on_workers: the same, with Beam's work in a process beside it; empty if that was left out.
    """

    copies: float
    characters: int
    stages: dict[str, Stage]
    on_workers: dict[str, Stage] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """By stage, and together."""
        return _with_sum({name: stage.seconds for name, stage in self.stages.items()})

    @property
    def cpu(self) -> dict[str, float]:
        """Seconds of processors, by stage, and together."""
        return _with_sum({name: stage.cpu for name, stage in self.stages.items()})

    @property
    def peaks(self) -> dict[str, float]:
        """Bytes that a stage's process has held at most."""
        return {name: stage.peak for name, stage in self.stages.items()}

    @property
    def workers(self) -> dict[str, float]:
        """Bytes that a worker has held at most, of those stages that have any."""
        return {name: stage.worker for name, stage in self.on_workers.items() if stage.worker}


def _with_sum(seconds: dict[str, float]) -> dict[str, float]:
    return seconds | {TOGETHER: sum(seconds.values())}


@dataclass(frozen=True)
class Text:
    """What there is in a part of songci.

    Attributes:
        characters: how many.
        vocabulary: how many distinct ones.
        ngrams: how many distinct n-grams of all orders up to 5.
    """

    characters: int
    vocabulary: int
    ngrams: int


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes:
        base: the least corpus: what a stage takes whatever it has to do.
        sizes: the others.
        texts: parts of songci as it is, from the shortest on.
        processor: whose times they are.
    """

    base: Size
    sizes: Sequence[Size]
    texts: Sequence[Text] = ()
    processor: str = ""

    def exponents(self, kind: str) -> dict[str, float]:
        """By stage; NaN where the corpus makes no difference that can be told.

        Args:
            kind: "seconds", "cpu", "peaks" or "workers".
        """
        fewest = _FEWEST_SECONDS if kind in ("seconds", "cpu") else _FEWEST_BYTES
        sizes = [size for size in self.sizes if getattr(size, kind)]
        return {
            name: exponent(
                [size.characters - self.base.characters for size in sizes],
                [getattr(size, kind)[name] - least for size in sizes],
                fewest,
            )
            for name, least in getattr(self.base, kind).items()
        }

    @property
    def goals(self) -> list[Goal]:
        """Of all stages whose figures can be told to grow."""
        return [*self._goals("cpu", "time", _TIME), *self._goals("workers", "memory", _MEMORY)]

    def _goals(self, kind: str, what: str, bound: float) -> Iterator[Goal]:
        for name, value in self.exponents(kind).items():
            # What makes no difference that can be told does not grow.
            yield Goal(f"{name}: exponent of {what}", 0.0 if math.isnan(value) else value, bound)


def exponent(sizes: Sequence[float], values: Sequence[float], fewest: float = 0.0) -> float:
    """The slope of values on sizes where both have logarithmic scales, by least squares.

    Args:
        sizes: all positive, two of them or more.
        values: those that are not positive are left out.
        fewest: NaN is returned where no value is above it.
    """
    pairs = [pair for pair in zip(sizes, values, strict=True) if pair[1] > 0]
    if len(pairs) < 2 or max(value for _, value in pairs) <= fewest:
        return math.nan
    x, y = np.log(np.array(pairs)).T
    return float(np.polyfit(x, y, 1)[0])
