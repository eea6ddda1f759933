"""Who looks at the pushed versions all the time: a lister of their files, and a real server."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.command import Command
from tests.faults.root import Root
from tests.waiting import until


class Watch:
    """What was seen of the versions of a root.

    Attributes:
        half: sentences about versions that were not whole.
    """

    def __init__(self, root: Root, server: Command) -> None:
        self._root, self._server = root, server
        self.half: list[str] = []

    def look(self) -> None:
        """Looks at all files of all versions, once."""
        for version in self._root.versions():
            if not self._root.is_whole(version) and version.exists():
                self.half.append(f"version {version.name} was seen half")

    def served(self) -> set[int]:
        """The versions that the server has loaded."""
        return {int(number) for number in re.findall(r"serving version (\d+)", self._server.said)}

    def troubles(self) -> list[str]:
        """What was seen half, and what the server could not load."""
        failed = re.findall(r"version \d+ of lyrics cannot be loaded.*", self._server.said)
        return sorted({*self.half, *failed})


@contextmanager
def watched(root: Root) -> Iterator[Watch]:
    """A server and a lister that look for versions a hundred times a second, or as they can."""
    arguments = ["serve", "--port=0", f"--model-base-path={root.serving}"]
    arguments += ["--file-system-poll-wait-seconds=0.01", "--load-retry-interval-micros=100000"]
    server = Command(root.directory / "server.log", arguments, os.environ)
    watch, done = Watch(root, server), threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            watch.look()

    lister = threading.Thread(target=look)
    try:
        until(lambda: "listening on" in server.said or not server.runs(), 300)
        lister.start()
        yield watch
    finally:
        done.set()
        lister.join()
        server.stop()
