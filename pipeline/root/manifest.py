"""Whether artifacts are still what was written: a table of all their files, with checksums.

TFX's cache trusts whatever is at an artifact's place. A file that was cut short there would fail a
later stage with a traceback or, worse, train a model on a part of the text.
"""

import json
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from modules.errors import StorageError

NAME = ".manifest.json"  # in the root
_CHUNK = 2**20  # bytes in memory at a time

# Of each file of an artifact, by its path there: its bytes, and their CRC-32.
Files = dict[str, list[int]]


def check(root: str) -> None:
    """Compares all artifacts that are there with what was recorded of them.

    Raises:
        StorageError: if a file is not what it was; it says which, and how to go on.
    """
    for uri, recorded in _read(root).items():
        if not os.path.isdir(uri):  # TFX sees for itself that it is gone
            continue
        found = _files(uri)
        for name in sorted(recorded.keys() | found.keys()):
            if found.get(name) != recorded.get(name):
                raise StorageError(
                    f"{os.path.join(uri, name)} is damaged: it {_differ(recorded, found, name)}; "
                    f"remove {uri} and run again, which does anew what needs it"
                )


def is_complete(root: str) -> bool:
    """Whether all artifacts are there that were recorded."""
    return all(map(os.path.isdir, _read(root)))


def record(root: str, uris: Iterable[str]) -> None:
    """Records artifacts that are there and were not recorded; forgets those that are gone."""
    known = {uri: files for uri, files in _read(root).items() if os.path.isdir(uri)}
    new = {uri: _files(uri) for uri in uris if os.path.isdir(uri) and uri not in known}
    unfinished = Path(root, ".manifest.unfinished")
    unfinished.write_text(json.dumps(known | new))
    unfinished.replace(_path(root))


def _differ(recorded: Files, found: Files, name: str) -> str:
    if name not in found:
        return "is gone"
    if name not in recorded:
        return "was not there"
    (size, _), (size_now, _) = recorded[name], found[name]
    return f"has {size_now:,} bytes, not {size:,}" if size != size_now else "has other bytes"


def _path(root: str) -> Path:
    return Path(root, NAME)


def _read(root: str) -> dict[str, Files]:
    with suppress(OSError, ValueError):  # without one nothing is recorded
        return json.loads(_path(root).read_text())
    return {}


def _files(uri: str) -> Files:
    paths = [path for path in Path(uri).rglob("*") if path.is_file()]
    return {str(path.relative_to(uri)): checksum(path) for path in paths}


def checksum(path: Path) -> list[int]:
    """Of a file: its bytes, and their CRC-32."""
    size, crc = 0, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return [size, crc]
