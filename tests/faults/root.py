"""A root of tiny runs: what was in it, what is there now, and what should not be."""

import math
import os
import shutil
import sqlite3
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.faults.command import Command, Ended
from tests.songs import write_songs

_RUNNING, _FINISHED = 2, (3, 5)  # states of an execution, as ML Metadata numbers them
_OPTIONS = {
    "preset": "smoke",
    "num-hiddens": 16,
    "embedding-size": 8,
    "learning-rate": 0.01,
    "num-epochs": 6,
    "patience": 0,
}
CHANGED = "--sample-every=0"  # another training, of which every figure is the same


class Root:
    """A directory with a corpus, and the root of runs on it.

    Attributes:
        directory: that holds all of it.
        path: the root.
        serving: where its versions are.
        seconds: that a first run took; a guess until there was one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "a root"
        self.serving = self.path / "serving" / "lyrics"
        self.temporary = directory / "tmp"
        self.seconds = 50.0
        self._kept = directory / "kept"
        self._data = write_songs(directory / "songs.zip")
        self._logs = 0
        self._splits: dict = {}

    def start(self, *options: str, before: Sequence[str] = (), **environment: str) -> Command:
        """Starts a run."""
        self._logs += 1
        given = _OPTIONS | {"data": self._data, "root": self.path}
        arguments = ["run", "--json", *(f"--{name}={value}" for name, value in given.items())]
        environment = {"TMPDIR": str(self.temporary), "HOME": str(self.directory)} | environment
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(mode=0o777)
        self.temporary.chmod(0o777)
        log = self.directory / f"{self._logs:03}.log"
        return Command(log, [*arguments, *options], os.environ | environment, before)

    def run(self, *options: str, before: Sequence[str] = (), **environment: str) -> Ended:
        """Runs to the end."""
        return self.start(*options, before=before, **environment).wait()

    def fresh(self) -> None:
        """Has the root be one of no run yet."""
        shutil.rmtree(self.path, ignore_errors=True)

    def finished(self) -> None:
        """Has the root be as a whole run left it."""
        self.fresh()
        if not self._kept.exists():
            start = time.monotonic()
            if lost := self.lost(self.run()):
                raise RuntimeError(f"a run without any fault did not end well: {lost}")
            self.seconds = time.monotonic() - start
        else:
            shutil.copytree(self._kept, self.path, symlinks=True)

    def lost(
        self, ended: Ended, done: frozenset[str] = frozenset(), figures: bool = True
    ) -> list[str]:
        """What a run that was to end well has not, or had to do again.

        The first run that ends well is what all others are compared with.

        Args:
            ended: how it ended.
            done: stages that had been done before it.
            figures: whether they are to be those of all other runs.
        """
        if ended.status:
            return [f"the run did not go on: status {ended.status}, {ended.last!r}"]
        summary = ended.summary
        lost = [
            f"{stage['name']} was done again"
            for stage in summary["stages"]
            if stage["name"] in done and not stage["cached"]
        ]
        if not summary["blessed"] or summary["unanswered"]:
            lost.append(f"not blessed or no answer: {summary['reason']}, {summary['unanswered']}")
        elif not self.is_whole(Path(summary["pushed_to"])):
            lost.append(f"version {summary['version']} is not what was trained")
        if not lost and not self._splits:
            self._splits = summary["splits"]
            shutil.copytree(self.path, self._kept, symlinks=True)
        return lost + (self._other_figures(summary["splits"]) if figures else [])

    def _other_figures(self, splits: dict) -> list[str]:
        return [
            f"{split} {name} is {figures.get(name)}, not {value}"
            for split, expected in self._splits.items()
            for name, value in expected.items()
            for figures in [splits.get(split, {})]
            if not name.startswith("baseline")
            and not math.isclose(figures.get(name, math.nan), value, rel_tol=1e-4)
        ]

    def left(self) -> list[str]:
        """What is there and no finished stage needs."""
        ids = {str(number) for number, state in self._executions() if state in _FINISHED}
        outputs = [path for path in self.path.glob("artifacts/*/*/*") if path.parent.name[0] != "."]
        beside = [
            *(path for path in self.path.glob("artifacts/*/.system/**/*") if path.is_file()),
            *(path for path in outputs if path.name not in ids),
            *self.path.rglob("beam-temp-*"),
            *self.path.rglob("*.unfinished"),
            *self.path.glob("unfinished/*"),
            *self.temporary.glob("*"),
        ]
        running = [n for n, state in self._executions() if state == _RUNNING]
        return [
            *(str(path.relative_to(self.directory)) for path in beside),
            *(f"execution {number} is said to run" for number in running),
        ]

    def newest(self) -> int:
        """The number of the newest run in the metadata; 0 if there is none."""
        return max((run for run, _, _ in self._stages()), default=0)

    def done(self, after: int) -> frozenset[str]:
        """The stages that came to an end in the runs after one."""
        return frozenset(name for run, name, state in self._stages() if run > after and state)

    def artifacts(self) -> dict[str, list[Path]]:
        """The files of each kind of artifact, by stage and output."""
        kinds: dict[str, list[Path]] = {}
        for file in sorted(self.path.glob("artifacts/*/*/*/**/*")):
            stage, output, *_ = file.relative_to(self.path / "artifacts").parts
            if file.is_file() and output != ".system":
                kinds.setdefault(f"{stage}/{output}", []).append(file)
        return kinds

    def versions(self) -> list[Path]:
        """All that were pushed, the oldest first."""
        found = self.serving.glob("[1-9]*") if self.serving.exists() else ()
        return sorted(found, key=lambda path: int(path.name))

    def is_whole(self, version: Path) -> bool:
        """Whether a version is, byte for byte, a model that is an artifact, with checksums."""
        models = self.path.glob("artifacts/Trainer/model/*/Format-Serving")
        content = contents(version)
        if not content.pop("assets.extra/SHA256SUMS", None):
            return False
        return any(content == contents(model) for model in models)

    def shift_times(self, milliseconds: int) -> None:
        """Has all that the metadata tell of have happened later."""
        with closing(sqlite3.connect(self.path / "metadata.sqlite")) as metadata:
            for table in ("Artifact", "Execution", "Context"):
                for column in ("create_time_since_epoch", "last_update_time_since_epoch"):
                    metadata.execute(f"update {table} set {column} = {column} + {milliseconds}")
            metadata.commit()

    def _stages(self) -> list[tuple[int, str, bool]]:
        """The number of the run, the stage, and whether that ended well."""
        return [
            (run, name.rpartition(".")[2], state in _FINISHED)
            for run, name, state in self._query(
                "select c.id, t.name, e.last_known_state from Execution e "
                "join Type t on e.type_id = t.id "
                "join Association a on a.execution_id = e.id "
                "join Context c on a.context_id = c.id "
                "join Type k on c.type_id = k.id and k.name = 'pipeline_run'"
            )
        ]

    def _executions(self) -> list[tuple]:
        return self._query("select id, last_known_state from Execution")

    def _query(self, query: str) -> list[tuple]:
        """Asks the metadata; before there are any, the answer is empty."""
        file = self.path / "metadata.sqlite"
        if not file.exists():
            return []
        with closing(sqlite3.connect(file, timeout=20)) as metadata:
            try:
                return metadata.execute(query).fetchall()
            except sqlite3.OperationalError as error:  # cut off before they were set up
                if "no such table" in str(error):
                    return []
                raise


def contents(directory: Path) -> dict[str, int]:
    """The checksum of each file under a directory; of one that vanishes meanwhile, -1."""
    return {
        str(file.relative_to(directory)): _checksum(file)
        for file in sorted(directory.rglob("*"))
        if not file.is_dir()
    }


def _checksum(file: Path) -> int:
    try:
        return zlib.crc32(file.read_bytes())
    except OSError:
        return -1
