"""What the serving benchmark measures, and what that is to reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.goal import Goal
from benchmarks.load import Load

BOOK = "the book's eager loop"
IN_PROCESS = {1: "in process, batch 1", 32: "in process, batch 32"}
XLA = {1: "in process, batch 1, XLA", 32: "in process, batch 32, XLA"}
OVER_GRPC = "over gRPC, 50 at a time"

# How many times the characters per second of the book's loop.
_TIMES_THE_BOOK = {
    IN_PROCESS[1]: {"rnn": 60.0, "gru": 60.0, "lstm": 50.0},
    XLA[1]: {"rnn": 170.0, "gru": 150.0, "lstm": 100.0},
    OVER_GRPC: {"rnn": 40.0, "gru": 40.0, "lstm": 40.0},
}
_CROWD = 64  # clients
_TIMES_ONE_CLIENT = 5.0
_OVERHEAD = 1.0  # milliseconds
_TIMES_STEADY = 2.0
_GROWTH_MIB = 32.0  # an allocator's ups and downs


@dataclass(frozen=True)
class Overhead:
    """What gRPC adds to a minimal request.

    Attributes:
        in_process: milliseconds that the SavedModel takes, the median.
        over_grpc: the same of a request over gRPC.
    """

    in_process: float
    over_grpc: float

    @property
    def milliseconds(self) -> float:
        """What it adds."""
        return self.over_grpc - self.in_process


@dataclass(frozen=True)
class Memory:
    """What a server holds, once it is warm.

    Attributes:
        requests: answered between the two.
        before: bytes before them.
        after: bytes after them.
    """

    requests: int
    before: int
    after: int


@dataclass(frozen=True)
class Swap:
    """What clients notice of a new version.

    Attributes:
        steady: while one version answers.
        during: while the next one is loaded and takes over.
    """

    steady: Load
    during: Load


@dataclass(frozen=True)
class ServingResults:
    """All that was measured; what was left out is empty, or None.

    Attributes:
        speeds: characters per second, by row of the table and cell.
        overheads: by cell.
        loads: by cell, without batching and with it.
        memory: of a server of one of the cells.
        swap: alike.
    """

    speeds: dict[str, dict[str, float]]
    overheads: dict[str, Overhead] = field(default_factory=dict)
    loads: dict[str, dict[bool, Sequence[Load]]] = field(default_factory=dict)
    memory: Memory | None = None
    swap: Swap | None = None

    @property
    def goals(self) -> list[Goal]:
        """Of everything that was measured."""
        return [
            *self._times_the_book(),
            *self._crowds(),
            *self._grpc(),
            *self._swap(),
            *self._growth(),
        ]

    def _times_the_book(self) -> Iterator[Goal]:
        for row, bounds in _TIMES_THE_BOOK.items():
            for cell, book in self.speeds.get(BOOK, {}).items():
                if row not in self.speeds:
                    continue
                value = self.speeds[row][cell] / book
                name = f"{cell}, {row}: times the book's loop"
                yield Goal(name, value, bounds[cell], at_least=True)

    def _crowds(self) -> Iterator[Goal]:
        for cell, loads in self.loads.items():
            alone = next((load for load in loads[False] if load.clients == 1), None)
            crowd = next((load for load in loads[True] if load.clients == _CROWD), None)
            if alone and crowd:
                value = crowd.characters_per_second / alone.characters_per_second
                name = f"{cell}: {_CROWD} clients with batching, times one without"
                yield Goal(name, value, _TIMES_ONE_CLIENT, at_least=True)

    def _grpc(self) -> Iterator[Goal]:
        for cell, overhead in self.overheads.items():
            yield Goal(f"{cell}: ms that gRPC adds", overhead.milliseconds, _OVERHEAD)

    def _swap(self) -> Iterator[Goal]:
        if self.swap:
            value = self.swap.during.p99 / self.swap.steady.p99
            yield Goal("p99 during a swap, times steady", value, _TIMES_STEADY)
            requests = self.swap.during.requests + self.swap.during.lost
            yield Goal(f"lost of {requests:,} requests across it", self.swap.during.lost, 0)

    def _growth(self) -> Iterator[Goal]:
        if self.memory:
            grown = (self.memory.after - self.memory.before) / 2**20
            name = f"MiB more after {self.memory.requests:,} requests"
            yield Goal(name, grown, _GROWTH_MIB)
