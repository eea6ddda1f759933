"""Faults of a run: it is killed, or what it reads and writes is not as it should be."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.faults import damaged
from tests.faults.around import begin, goes_on, named, refused_or_survived
from tests.faults.found import Found, Kind
from tests.faults.poller import watched
from tests.faults.root import Root
from tests.waiting import until

_NOBODY = 65534


def killed(root: Root, random: Random) -> Found:
    """A run is cut off at random moments, twice at most; the same command then ends it."""
    options = begin(root, random)
    before, versions = root.newest(), len(root.versions())
    moments: list[float] = []
    bad: list[str] = []
    for _ in range(random.randint(1, 2)):
        command = root.start(*options)
        number = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        moments.append(random.uniform(0, root.seconds))
        with suppress(subprocess.TimeoutExpired):
            command.wait(moments[-1])
        cut_off = command.stop(number)
        bad += ["it ended in a traceback"] if "Traceback" in cut_off.stderr else []
    done = root.done(before)
    found = goes_on(root, options, done)
    found.lost += bad
    if len(root.versions()) > versions + 1:
        found.lost.append("the same model was pushed twice")
    at = " and ".join(f"{moment:.1f} s" for moment in moments)
    found.did = f"{named(options)}, cut off at {at}, with {len(done)} stages done"
    found.injected = len(moments)
    return found


def killed_in_the_push(root: Root, random: Random) -> Found:
    """A push is killed while a server polls; whatever version it sees is whole."""
    root.finished()
    shutil.rmtree(root.serving)
    root.serving.mkdir()
    with watched(root) as watch:
        command = root.start()
        while command.runs() and not list(root.serving.iterdir()):
            time.sleep(0.0002)
        time.sleep(random.uniform(0, 0.01))
        command.stop()
        there = [re.sub(r"^\.\w+", "", path.name) for path in root.serving.iterdir()]
        found = goes_on(root, ())
        pushed = int(root.versions()[-1].name)
        until(lambda: pushed in watch.served() or watch.troubles(), 300)
    found.did = f"killed in the push, which left {there}"
    found.lost += watch.troubles()
    return found


def full_disk(root: Root, random: Random) -> Found:
    """There is no room at some moment, or no file may be large; then there is."""
    options = begin(root, random)
    (root.path / "artifacts").mkdir(parents=True, exist_ok=True)  # else it is told before the run
    before, room = root.newest(), random.randint(16, 3_000)
    if random.random() < 0.7 and _small_disk(root, room):
        what = f"{room} KB of room"
        try:
            lost = _without_room(root, options)
            _mount(root, "remount,size=200m")
            found = goes_on(root, options, root.done(before))
        finally:
            subprocess.run(["umount", "-l", str(root.path)], check=True)
    else:
        what = f"files of {100 * room} bytes at most"
        lost = _without_room(root, options, ("prlimit", f"--fsize={100 * room}"))
        found = goes_on(root, options, root.done(before))
    found.lost += lost
    found.did = f"{named(options)} with {what}"
    return found


def _without_room(root: Root, options: tuple[str, ...], before: Sequence[str] = ()) -> list[str]:
    lost = refused_or_survived(root, root.run(*options, before=before))
    return lost + [f"{v} was half pushed" for v in root.versions() if not root.is_whole(v)]


def _small_disk(root: Root, kilobytes: int) -> bool:
    """Puts the root on a file system of its own with so much room; not where none may be made."""
    aside = root.path.with_name("aside")
    root.path.rename(aside)
    root.path.mkdir()
    used = sum(file.stat().st_size + 4096 for file in aside.rglob("*")) // 1024
    mounted = _mount(root, f"size={used + kilobytes}k")
    shutil.copytree(aside, root.path, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(aside)
    return mounted


def _mount(root: Root, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root.path)]
    return not subprocess.run(command, capture_output=True).returncode


def two_at_once(root: Root, random: Random) -> Found:
    """A second run begins while one is going on: it waits, or says who is there."""
    options = begin(root, random)
    first = root.start(*options)
    time.sleep(random.uniform(0, 10))
    waits = random.random() < 0.5
    second = root.start(*options, *(["--wait"] if waits else []))
    ended = second.wait()
    lost = []
    if waits:
        lost += root.lost(ended)
    elif first.runs() or ended.status:
        lost += ended.unlike_a_refusal()
        if f"is held by process {first.pid} since" not in ended.last:
            lost.append(f"who is there is not said: {ended.last!r}")
    lost += root.lost(first.wait())
    did = f"{named(options)}, twice, the second {'waits' if waits else 'does not'}"
    return Found(did, lost=lost, left=root.left())


def clock_set_back(root: Root, random: Random) -> Found:
    """All that is there was made in what is now the future."""
    root.finished()
    ahead = random.randint(1, 5_000) * 3600
    newest = root.versions()[-1]
    future = newest.with_name(str(int(newest.name) + ahead))
    shutil.copytree(newest, future)
    (future / "saved_model.pb").write_bytes((newest / "saved_model.pb").read_bytes() + b"\n\0")
    for path in [*root.path.rglob("*"), root.path]:
        os.utime(path, (time.time() + ahead, time.time() + ahead))
    root.shift_times(1000 * ahead)
    options = random.choice([(), ("--num-epochs=7",)])
    found = goes_on(root, options, figures=not options)
    if options and int(root.versions()[-1].name) <= int(future.name):
        found.lost.append("what was pushed now is not the newest version")
    found.did = f"the clock is {ahead // 3600} hours behind what is there; {options or 'cached'}"
    return found


def no_tmpdir(root: Root, random: Random) -> Found:
    """TMPDIR names no directory, or one that cannot be written."""
    options = begin(root, random)
    place = random.choice(["/nowhere", "/proc", "", str(root.directory / "songs.zip")])
    ended = root.run(*options, TMPDIR=place)
    lost = refused_or_survived(root, ended)
    found = goes_on(root, options)
    found.lost += lost
    found.did = f"{named(options)}, TMPDIR={place}; status {ended.status}"
    return found


def read_only(root: Root, random: Random) -> Found:
    """The root, or something in it, cannot be written; then it can."""
    options = begin(root, random)
    root.path.mkdir(exist_ok=True)
    me = _as_nobody(root) if os.geteuid() == 0 else ()
    names = ["artifacts", "serving/lyrics", "unfinished", "metadata.sqlite", "artifacts/Trainer"]
    there = [root.path, *(root.path / name for name in names if (root.path / name).exists())]
    place = random.choice(there)
    beneath = list(place.rglob("*")) if random.random() < 0.5 else []
    paths = [place, *beneath]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    ended = root.run(*options, before=me)
    for path in filter(Path.exists, paths):
        path.chmod(path.stat().st_mode | 0o200)
    lost = refused_or_survived(root, ended)
    found = goes_on(root, options, before=me)
    found.lost += lost
    what = f"{place.name}{' and all in it' if beneath else ''}"
    found.did = f"{named(options)}, {what} read-only; status {ended.status}"
    return found


def _as_nobody(root: Root) -> tuple[str, ...]:
    """Has all belong to a user who may do nothing; returns what starts a command as that user."""
    for path in [root.directory, *root.directory.rglob("*")]:
        os.chown(path, _NOBODY, _NOBODY)
    return ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")


KINDS = (
    Kind("a run is cut off", killed, short="2382"),
    Kind("the push is killed, with a poller", killed_in_the_push),
    Kind("no room", full_disk),
    Kind("a damaged artifact", damaged.artifact, short="38"),
    Kind("a damaged version", damaged.version),
    Kind("damaged metadata", damaged.metadata),
    Kind("a damaged checkpoint", damaged.checkpoint),
    Kind("two runs at once", two_at_once),
    Kind("the clock is set back", clock_set_back),
    Kind("no TMPDIR", no_tmpdir),
    Kind("a read-only root", read_only),
)


@contextmanager
def place(directory: Path) -> Iterator[Root]:
    """Where runs are made, below a directory."""
    directory.mkdir()
    yield Root(directory)
