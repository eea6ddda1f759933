"""The local server in a process of its own, as `lyrics serve` starts it."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpora import ROOT
from serving.client.blocking import LyricsClient

_SERVE = "from pipeline.cli import main; main(['serve', *__import__('sys').argv[1:]])"


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        base_path: where its versions are.
        target: its `host:port`.
        pid: of its process.
    """

    base_path: Path
    target: str
    pid: int

    def rss(self) -> int:
        """Bytes of memory that it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])

    def swap(self, timeout: float = 600) -> None:
        """Pushes a copy of the newest version, and waits until it is the only one that is served.

        Raises:
            TimeoutError: if it is not within so many seconds.
        """
        old = max(int(path.name) for path in self.base_path.iterdir())
        unfinished = self.base_path.with_name("unfinished")
        shutil.copytree(self.base_path / str(old), unfinished)
        unfinished.rename(self.base_path / str(old + 1))
        end = time.monotonic() + timeout
        with LyricsClient(self.target) as client:
            while [s.version for s in client.status() if s.state != "END"] != [old + 1]:
                if time.monotonic() > end:
                    raise TimeoutError(f"version {old + 1} is not served after {timeout:g} s")
                time.sleep(0.05)


@contextmanager
def serve(base_path: Path, *flags: str) -> Iterator[Server]:
    """Serves the versions below `base_path` with these flags of `lyrics serve`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, "--model-base-path", base_path, "--port", "0", *flags],
        cwd=ROOT,
        env=os.environ | {"PATH": os.devnull},  # no tensorflow_model_server
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr  # it is a pipe
    try:
        log = []
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"listening on (\S+:\d+)", line):
                break
        else:
            raise RuntimeError(f"the server does not start:\n{''.join(log)}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Server(base_path, found[1], process.pid)
    finally:
        process.terminate()
        process.wait()
