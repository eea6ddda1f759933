"""Faults of a run: files are damaged, as disks, crashes and people do it."""

import re
import shutil
from pathlib import Path
from random import Random

from tests.faults.around import goes_on, refused_or_survived
from tests.faults.found import Found
from tests.faults.root import CHANGED, Root
from tests.waiting import until


def artifact(root: Root, random: Random) -> Found:
    """A file of some artifact is not what was written: it is named, with a remedy that helps."""
    root.finished()
    artifacts = root.artifacts()
    kind = random.choice(sorted(artifacts))
    file = random.choice(artifacts[kind])
    did = inflict(file, random)
    ended = root.run()
    lost = ended.unlike_a_refusal()
    if f"{file} is damaged: it" not in ended.last:
        lost.append(f"{file} is not named: {ended.last!r}")
    if remedy := re.search(r"; remove (.+) and run again", ended.last):
        shutil.rmtree(remedy[1])
    found = goes_on(root, ())
    found.lost += lost
    found.did = f"{did} {kind}/{file.name}"
    return found


def version(root: Root, random: Random) -> Found:
    """A file of a pushed version is not what was pushed: a whole one is pushed again."""
    root.finished()
    version = root.versions()[-1]
    file = random.choice(sorted(path for path in version.rglob("*") if path.is_file()))
    did = inflict(file, random)
    found = goes_on(root, ())
    found.did = f"{did} {file.name} of the pushed version"
    return found


def metadata(root: Root, random: Random) -> Found:
    """The metadata, or the manifest, are damaged."""
    root.finished()
    file = root.path / random.choice(["metadata.sqlite", "metadata.sqlite", ".manifest.json"])
    did = inflict(file, random)
    ended = root.run()
    lost = refused_or_survived(root, ended)
    if "has a damaged metadata.sqlite: remove that file and run again" in ended.last:
        file.unlink()
    found = goes_on(root, ())
    found.lost += lost
    found.did = f"{did} {file.name}; status {ended.status}"
    return found


def checkpoint(root: Root, random: Random) -> Found:
    """A training is killed between two epochs, and what it left is damaged."""
    root.finished()
    command = root.start(CHANGED)
    epoch = random.randint(2, 5)
    until(lambda: not command.runs() or f"epoch {epoch}/" in command.said, 240)
    command.stop()
    files = sorted(path for path in root.path.glob("unfinished/**/*") if path.is_file())
    if not files:
        return Found("the training was over before it was killed", injected=0)
    file = random.choice(files)
    did = inflict(file, random)
    ended = root.run(CHANGED)
    lost = refused_or_survived(root, ended)
    if remedy := re.search(r"remove (.+?) and run again", ended.last):
        shutil.rmtree(remedy[1], ignore_errors=True)
    found = goes_on(root, (CHANGED,))
    found.lost += lost
    found.did = f"{did} {file.name} of a training; status {ended.status}"
    return found


def inflict(file: Path, random: Random) -> str:
    """Does a file some damage; says which. Afterwards it is not what it was."""
    ways = {"cut short": _cut, "zeroed": _zero, "with flipped bits": _flip, "deleted": _delete}
    content = file.read_bytes()
    if not any(content):  # there is nothing to change
        ways = {"deleted": _delete, "longer": _append}
    name = random.choice(sorted(ways))
    ways[name](file, content, random)
    return name


def _cut(file: Path, content: bytes, random: Random) -> None:
    file.write_bytes(content[: random.randrange(len(content))])


def _zero(file: Path, content: bytes, random: Random) -> None:
    file.write_bytes(bytes(len(content)))


def _flip(file: Path, content: bytes, random: Random) -> None:
    changed = bytearray(content)
    for place in random.sample(range(len(content)), min(8, len(content))):
        changed[place] ^= 1 << random.randrange(8)
    file.write_bytes(changed)


def _delete(file: Path, content: bytes, random: Random) -> None:
    file.unlink()


def _append(file: Path, content: bytes, random: Random) -> None:
    file.write_bytes(content + random.randbytes(8))
