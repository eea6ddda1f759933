"""A command of `lyrics` in a process of its own, and what its user sees of it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
LYRICS = (sys.executable, "-c", "from pipeline.cli import main; main()")

# What a run says of its progress, and of what it found.
_PROGRESS = re.compile(
    r" *\d+\.\d s +\d+/\d+  \w+|epoch \d+/\d+: .*|best weights: .*|resuming after epoch \d+.*"
    r"|stopped early.*|cleared what was left unfinished: .*|\s*"
)


class Ended:
    """How a command ended.

    Attributes:
        status: that it ended with; of a signal, less its number.
        stdout: what it wrote.
        stderr: what it said.
    """

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status, self.stdout, self.stderr = status, stdout, stderr

    @property
    def last(self) -> str:
        """The last line that it said."""
        return (self.stderr.splitlines() or ["nothing"])[-1]

    @property
    def summary(self) -> dict[str, Any]:
        """What it printed for machines."""
        return json.loads(self.stdout)

    def unlike_a_refusal(self) -> list[str]:
        """What is not as it is where a user's mistake, or a fault, is told in one line."""
        said = [line for line in self.stderr.splitlines() if not _PROGRESS.fullmatch(line)]
        if self.status == 1 and len(said) == 1 and said[0].startswith("Error: "):
            return [] if not self.stdout else ["a refusal came with a summary"]
        return [f"no refusal in one line: status {self.status}, {len(said)} lines, {self.last!r}"]


class Command:
    """A command that runs."""

    def __init__(
        self,
        log: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> None:
        """Starts it.

        Args:
            log: file that is written with what it says; its output goes beside it.
            arguments: after `lyrics`.
            environment: of the process.
            before: another command that starts it, and what is told to that.
        """
        self._stdout, self._stderr = log.with_suffix(".out"), log
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*before, *LYRICS, *arguments],
                cwd=CHECKOUT,
                env=environment,
                stdout=stdout,
                stderr=stderr,
            )
        self.pid = self._process.pid

    @property
    def said(self) -> str:
        """What it has said until now."""
        return self._stderr.read_text("utf-8", "replace")

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait(self, timeout: float = 1200) -> Ended:
        """How it ends.

        Raises:
            subprocess.TimeoutExpired: if it does not, after so many seconds.
        """
        status = self._process.wait(timeout)
        return Ended(status, self._stdout.read_text("utf-8", "replace"), self.said)

    def stop(self, number: int = signal.SIGKILL) -> Ended:
        """Sends it a signal, where it still runs."""
        self._process.send_signal(number)
        return self.wait()
