"""How a stream of characters is cut into windows: arithmetic only, no data.

Training windows hold num_steps + 1 characters, of which the first num_steps are the inputs and
the last num_steps the targets. This is how the stream 0, 1, ..., 29 is cut with num_steps=6.

consecutive, batch_size=2. The stream is two lanes of 15, and a lane's windows follow one another,
so that a minibatch continues the one before it. Windows are numbered minibatch by minibatch:
read in order and batched by batch_size, they are the minibatches.

                      window  lane  inputs              targets
                           0     0   0  1  2  3  4  5    1  2  3  4  5  6
    minibatch 0            1     1  15 16 17 18 19 20   16 17 18 19 20 21
                           2     0   6  7  8  9 10 11    7  8  9 10 11 12  (13 14 are left)
    minibatch 1            3     1  21 22 23 24 25 26   22 23 24 25 26 27  (28 29 are left)

random. A window starts every num_steps characters. They are numbered by their start; whoever
reads them shuffles them.

                      window        inputs              targets
                           0         0  1  2  3  4  5    1  2  3  4  5  6
                           1         6  7  8  9 10 11    7  8  9 10 11 12
                           2        12 13 14 15 16 17   13 14 15 16 17 18
                           3        18 19 20 21 22 23   19 20 21 22 23 24  (25 ... 29 are left)

random with random_offset. A window holds up to 2 * num_steps characters, in which its reader
finds the num_steps + 1 from any offset in [0, num_steps) on. A last window that the stream's end
has made too short for an epoch's offset is no window of that epoch.

                      window  characters                            from offset 2 on
                           0   0  1  2  3  4  5  6  7  8  9 10 11    2  3  4  5  6  7  8
                           1   6  7  8  9 10 11 12 13 14 15 16 17    8  9 10 11 12 13 14
                           2  12 13 14 15 16 17 18 19 20 21 22 23   14 15 16 17 18 19 20
                           3  18 19 20 21 22 23 24 25 26 27 28 29   20 21 22 23 24 25 26

Scored windows score `stride` characters each (S), after `context` characters, or as many as there
are, that only warm the state up (w). None crosses from one document into the next, and every
character is scored exactly once. A document of 10 characters, with stride=4 and context=3:

    position   0  1  2  3  4  5  6  7  8  9
    window 0   S  S  S  S
    window 1      w  w  w  S  S  S  S
    window 2                  w  w  w  S  S

Source: Dive into Deep Learning, chapter 6, `data_iter_consecutive` and `data_iter_random`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, Protocol

from modules.checks import Options, option
from modules.errors import ConfigError, WindowError

Sampling = Literal["consecutive", "random"]


class Layout(Protocol):
    """Where the windows lie in a stream of characters 0, 1, 2, ..."""

    @property
    def num_windows(self) -> int:
        """How many windows there are; they are numbered from 0."""

    def window(self, index: int) -> tuple[int, int]:
        """The stretch [start, stop) of the stream that a window holds."""

    def touching(self, start: int, stop: int) -> Iterator[int]:
        """Windows that hold any of [start, stop), in time linear in their number."""


@dataclass(frozen=True)
class Consecutive:
    """Lanes: window `minibatch * batch_size + lane` continues `batch_size` windows before it."""

    length: int  # characters
    batch_size: int  # lanes
    num_steps: int

    @property
    def _lane_length(self) -> int:
        return self.length // self.batch_size

    @property
    def _num_minibatches(self) -> int:
        return max(0, self._lane_length - 1) // self.num_steps

    @property
    def num_windows(self) -> int:
        """See Layout."""
        return self._num_minibatches * self.batch_size

    def window(self, index: int) -> tuple[int, int]:
        """See Layout."""
        minibatch, lane = divmod(index, self.batch_size)
        start = lane * self._lane_length + minibatch * self.num_steps
        return start, start + self.num_steps + 1

    def touching(self, start: int, stop: int) -> Iterator[int]:
        """See Layout."""
        if not self.num_windows:
            return
        last_lane = min((stop - 1) // self._lane_length, self.batch_size - 1)
        for lane in range(start // self._lane_length, last_lane + 1):
            origin = lane * self._lane_length
            stretch = max(start - origin, 0), min(stop - origin, self._lane_length)
            for minibatch in _overlapping(
                *stretch, step=self.num_steps, after=self.num_steps + 1, count=self._num_minibatches
            ):
                yield minibatch * self.batch_size + lane


@dataclass(frozen=True)
class Random:
    """Windows that start every `num_steps` characters, in order of their start."""

    length: int  # characters
    num_steps: int
    random_offset: bool = False

    @property
    def _window_length(self) -> int:
        return 2 * self.num_steps if self.random_offset else self.num_steps + 1

    @property
    def num_windows(self) -> int:
        """See Layout."""
        return max(0, self.length - 1) // self.num_steps

    def window(self, index: int) -> tuple[int, int]:
        """See Layout."""
        start = index * self.num_steps
        return start, min(start + self._window_length, self.length)

    def touching(self, start: int, stop: int) -> Iterator[int]:
        """See Layout."""
        yield from _overlapping(
            start, stop, step=self.num_steps, after=self._window_length, count=self.num_windows
        )


@dataclass(frozen=True)
class Strided:
    """Windows that score `stride` characters of one document, each after its context."""

    lengths: Sequence[int]  # characters of each document, in the stream's order
    stride: int
    context: int

    @cached_property
    def _first_characters(self) -> list[int]:
        """int[documents + 1]: where each document starts in the stream, and the last ends."""
        return list(accumulate(self.lengths, initial=0))

    @cached_property
    def _first_windows(self) -> list[int]:
        """int[documents + 1]: each document's first window, and the number of windows."""
        return list(accumulate((-(-n // self.stride) for n in self.lengths), initial=0))

    @property
    def num_windows(self) -> int:
        """See Layout."""
        return self._first_windows[-1]

    def window(self, index: int) -> tuple[int, int]:
        """See Layout."""
        origin, length, scored = self._place(index)
        start, stop = max(scored - self.context, 0), min(scored + self.stride, length)
        return origin + start, origin + stop

    def first_scored(self, index: int) -> int:
        """Where in the stream a window's warm-up ends and its scored characters start."""
        origin, _, scored = self._place(index)
        return origin + scored

    def touching(self, start: int, stop: int) -> Iterator[int]:
        """See Layout."""
        first = bisect_right(self._first_characters, start) - 1
        last = bisect_left(self._first_characters, stop) - 1
        for document in range(first, min(last + 1, len(self.lengths))):
            origin = self._first_characters[document]
            first_window, end_window = self._first_windows[document : document + 2]
            for window in _overlapping(
                max(start - origin, 0),
                min(stop - origin, self.lengths[document]),
                step=self.stride,
                before=self.context,
                after=self.stride,
                count=end_window - first_window,
            ):
                yield first_window + window

    def _place(self, index: int) -> tuple[int, int, int]:
        """The start in the stream and length of a window's document; where in it scores start."""
        document = bisect_right(self._first_windows, index) - 1
        scored = (index - self._first_windows[document]) * self.stride
        return self._first_characters[document], self.lengths[document], scored


def _overlapping(
    start: int, stop: int, *, step: int, after: int, count: int, before: int = 0
) -> range:
    """Those k in [0, count) for which [k * step - before, k * step + after) meets [start, stop)."""
    first = (start - after) // step + 1  # the least k with k * step + after > start
    last = -(-(stop + before) // step) - 1  # the greatest k with k * step - before < stop
    return range(max(first, 0), min(last + 1, count)) if start < stop else range(0)


@dataclass(frozen=True)
class WindowOptions(Options, group="Windows"):
    """What windows to cut.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """

    sampling: Sampling = option("consecutive", "How training windows are ordered.")
    batch_size: int = option(
        32, "Windows in a minibatch; consecutive ones have as many lanes.", low=1
    )
    num_steps: int = option(35, "Characters that a training window predicts.", low=1)
    random_offset: bool = option(
        False, "Start each epoch's windows at an offset of its own; random sampling only."
    )
    stride: int = option(256, "Characters that an evaluation window scores.", low=1)
    context: int = option(64, "Characters before them, at most, that are read unscored.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.random_offset and self.sampling != "random":
            raise ConfigError(
                "{random_offset} needs {sampling:random}, got {sampling}: drop the offset or "
                "sample at random",
                vars(self),
            )

    def training(self, lengths: Sequence[int]) -> Layout:
        """Training windows over documents of these lengths, one after the other."""
        if self.sampling == "consecutive":
            return Consecutive(sum(lengths), self.batch_size, self.num_steps)
        return Random(sum(lengths), self.num_steps, self.random_offset)

    def scored(self, lengths: Sequence[int], history: int = 0) -> Strided:
        """Scored windows over documents of these lengths; `history` may ask for more context."""
        return Strided(lengths, self.stride, max(self.context, history))

    @property
    def min_length(self) -> int:
        """Characters that one minibatch of training windows takes, at any offset."""
        if self.sampling == "consecutive":
            return self.batch_size * (self.num_steps + 1)
        greatest_offset = self.num_steps - 1 if self.random_offset else 0
        return greatest_offset + self.batch_size * self.num_steps + 1

    def check_training(self, split: str, length: int) -> None:
        """Raises WindowError if `length` characters do not make one minibatch."""
        if length < self.min_length:
            raise WindowError(
                "{num_steps} and {batch_size} need at least {least} characters; split {split} has "
                "{length}: give more text, or fewer steps or lanes",
                vars(self),
                least=self.min_length,
                split=repr(split),
                length=length,
            )

    def check_scored(self, split: str, length: int) -> None:
        """Raises WindowError if there is nothing to score."""
        if length < 1:
            raise WindowError(
                f"scored windows need at least 1 character; split {split!r} has {length}: "
                "give more text, or hold out a larger part of it"
            )
