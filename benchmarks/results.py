"""What the training benchmark measures, and what that is to reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.goal import Goal

BOOK = "the book's eager loop"
KERAS = "Keras 3, fit"
PYTORCH = {"float32": "PyTorch, float32", "bfloat16": "PyTorch, bfloat16"}
OURS = {"float32": "tfx-lyrics, float32", "bfloat16": "tfx-lyrics, bfloat16"}
OURS_EMBEDDING = {
    "float32": "tfx-lyrics, float32, Embedding",
    "bfloat16": "tfx-lyrics, bfloat16, Embedding",
}
OURS_ADAM = {"float32": "tfx-lyrics, float32, Adam", "bfloat16": "tfx-lyrics, bfloat16, Adam"}
FLOOR = {"float32": "floor, float32", "bfloat16": "floor, bfloat16"}

_TIMES_THE_BOOK = {
    "float32": {"rnn": 8.0, "gru": 8.0, "lstm": 6.5},
    "bfloat16": {"rnn": 13.0, "gru": 12.0, "lstm": 12.0},
}
_OF_PYTORCH = {"rnn": 1.0, "gru": 1.0, "lstm": 1.3}
_GROWTH = 0.1
_GROWTH_MIB = 32.0  # an allocator's ups and downs; the longest corpus is 16 MiB of indices
_TIMES_SOONER = 60.0
_BOOK_EPOCHS = 160  # of the book's GRU
BOOK_MINIBATCHES = 8  # in an epoch over the book's text


@dataclass(frozen=True)
class Epoch:
    """What an epoch over a corpus takes.

    Attributes:
        characters: that it predicts.
        seconds: the median.
        max_rss: bytes that the process, which has seen this corpus only, has held at most.
    """

    characters: int
    seconds: float
    max_rss: int


@dataclass(frozen=True)
class Memorised:
    """How soon the book's text is known by heart.

    Attributes:
        perplexity: of the training text.
        epochs: it took to reach; infinite if it was not.
        seconds: they took, with the time to build the graph.
    """

    perplexity: float
    epochs: float
    seconds: float


@dataclass(frozen=True)
class Results:
    """All that was measured; what was left out is empty, or None.

    Attributes:
        milliseconds: a step takes, the median, by row of the table and cell.
        epochs: from the shortest corpus to the longest.
        memorised: None if it was not tried.
        absent: why a contestant was, a sentence each.
        processor: whose times they are.
    """

    milliseconds: dict[str, dict[str, float]]
    epochs: Sequence[Epoch] = ()
    memorised: Memorised | None = None
    absent: Sequence[str] = ()
    processor: str = ""

    @property
    def goals(self) -> list[Goal]:
        """Of everything that was measured."""
        return [*self._times_the_book(), *self._of_pytorch(), *self._growth(), *self._sooner()]

    @property
    def remarks(self) -> list[str]:
        """What has no place in a table, a sentence each."""
        remarks = list(self.absent)
        if self.processor:
            remarks.append(f"Processor: {self.processor}.")
        if self.memorised:
            remarks.append(
                f"By heart: training perplexity {self.memorised.perplexity:.3f} after "
                f"{self.memorised.epochs} epochs and {self.memorised.seconds:.1f} s, the building "
                "of the graph included."
            )
        if self.memorised and self.book_seconds:
            remarks.append(
                f"The book's GRU would take {self.book_seconds:.0f} s for its {_BOOK_EPOCHS} "
                "epochs: its time per step, times the steps."
            )
        return remarks

    @property
    def book_seconds(self) -> float | None:
        """What the book's GRU takes for all its epochs: its time per step, times the steps."""
        milliseconds = self.milliseconds.get(BOOK, {}).get("gru")
        return milliseconds and milliseconds / 1000 * BOOK_MINIBATCHES * _BOOK_EPOCHS

    def _times_the_book(self) -> Iterator[Goal]:
        for precision, bounds in _TIMES_THE_BOOK.items():
            for cell, book in self.milliseconds.get(BOOK, {}).items():
                value = book / self.milliseconds[OURS[precision]][cell]
                name = f"{cell}, {precision}: times as fast as the book's loop"
                yield Goal(name, value, bounds[cell], at_least=True)

    def _of_pytorch(self) -> Iterator[Goal]:
        for precision, row in PYTORCH.items():
            for cell, pytorch in self.milliseconds.get(row, {}).items():
                value = self.milliseconds[OURS_EMBEDDING[precision]][cell] / pytorch
                yield Goal(f"{cell}, {precision}: times PyTorch's time", value, _OF_PYTORCH[cell])

    def _growth(self) -> Iterator[Goal]:
        if not self.epochs:
            return
        short, *_, long = self.epochs
        slower = (long.seconds / long.characters) / (short.seconds / short.characters) - 1
        yield Goal("time per character: change to the longest corpus", abs(slower), _GROWTH)
        grown = (long.max_rss - short.max_rss) / 2**20
        yield Goal("memory: MiB more on the longest corpus", grown, _GROWTH_MIB)

    def _sooner(self) -> Iterator[Goal]:
        if self.memorised and self.book_seconds:
            value = self.book_seconds / self.memorised.seconds
            name = "by heart: times sooner than the book's GRU"
            yield Goal(name, value, _TIMES_SOONER, at_least=True)
