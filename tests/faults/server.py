"""A server in a process of its own, of models whose answers are known, and what it holds."""

import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.command import Command
from tests.waiting import until

TIMEOUT = 8.0  # seconds that a REST request may take
CALLS = 80  # that it answers at a time
_MEGABYTES = 10  # more, of a gigabyte, are no growth: threads and versions come and go
_TROUBLE = re.compile(r"Traceback|.*(?:cannot be loaded|failed|Error).*")


@dataclass(frozen=True)
class Held:
    """What a process holds.

    Attributes:
        threads: how many.
        files: how many descriptors.
        megabytes: of memory.
    """

    threads: int
    files: int
    megabytes: float

    @classmethod
    def by(cls, pid: int) -> "Held":
        """A process, as Linux counts it."""
        status = Path(f"/proc/{pid}/status").read_text()
        threads, kilobytes = (
            int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("Threads", "VmRSS")
        )
        return cls(threads, len(os.listdir(f"/proc/{pid}/fd")), kilobytes / 1024)

    def is_within(self, other: "Held") -> bool:
        """Whether this is no more than another, but for some memory."""
        more = self.threads > other.threads or self.files > other.files
        return not more and self.megabytes <= other.megabytes + _MEGABYTES

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.files} files, {self.megabytes:.0f} MB"


class Server:
    """`lyrics serve`, whose versions are one model if they are odd and another if they are even.

    Attributes:
        target: where it answers over gRPC.
        rest_port: where it answers over REST.
    """

    def __init__(self, directory: Path, models: list[Path]) -> None:
        self._base, self._models = directory / "lyrics", models
        self._base.mkdir()
        self._version = 0
        self._read = 0  # characters of what it said
        self._push()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.rest_port = free.getsockname()[1]
        options = {
            "port": 0,
            "rest-api-port": self.rest_port,
            "model-base-path": self._base,
            "grpc-max-threads": CALLS,
            "rest-api-num-threads": 4,  # so few have all been started soon
            "file-system-poll-wait-seconds": 0.05,
            "rest-api-timeout-in-ms": int(TIMEOUT * 1000),
        }
        arguments = ["serve", *(f"--{name}={value}" for name, value in options.items())]
        self._command = Command(directory / "server.log", arguments, os.environ)
        until(lambda: "for REST" in self._command.said or not self._command.runs(), 300)
        self.target = re.search(r"listening on (\S+)\n", self._command.said)[1]

    def swap(self) -> int:
        """Pushes the other model, waits until it is served, and removes the last but one."""
        self._push()
        until(lambda: f"serving version {self._version} " in self._command.said, 300)
        until(lambda: f"unloaded version {self._version - 1} " in self._command.said, 300)
        shutil.rmtree(self._base / str(self._version - 1))
        return self._version

    def _push(self) -> None:
        self._version += 1
        hidden = self._base / f".{self._version}.unfinished"
        shutil.copytree(self._models[self._version % 2], hidden)
        hidden.rename(self._base / str(self._version))

    @property
    def ports(self) -> tuple[int, int]:
        """Both of them."""
        return int(self.target.rpartition(":")[2]), self.rest_port

    def held(self) -> Held:
        """What it holds now."""
        return Held.by(self._command.pid)

    def settled(self) -> Held:
        """What it holds once that is less no more: when callers have gone, and been noticed."""
        held = self.held()
        for _ in range(20):
            time.sleep(0.5)
            before, held = held, self.held()
            if before.files <= held.files and before.threads <= held.threads:
                break
        return held

    def troubles(self) -> list[str]:
        """What it has said since it was last asked that it should not have had to say."""
        said = self._command.said
        new, self._read = said[self._read :], len(said)
        return [f"the server said: {line}" for line in _TROUBLE.findall(new)]

    def stop(self) -> None:
        """Ends it."""
        self._command.stop()


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    """A server that is stopped in the end."""
    from tests.serving.untrained_model import save  # TensorFlow, for this alone

    models = []
    for seed in (2, 1):
        (directory / str(seed)).mkdir(parents=True)
        models.append(save(directory / str(seed), seed, xla=False))
    server = Server(directory, models)
    try:
        yield server
    finally:
        server.stop()
