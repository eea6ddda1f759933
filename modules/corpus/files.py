"""The archives that a pattern matches: their names, their paths, and what they hold in sum."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import PurePath
from typing import Any, Protocol

from modules.errors import CorpusError

CHUNK = 2**16  # bytes in memory at a time


class Files(Protocol):
    """Where archives lie; another one than LocalFiles may read from a bucket."""

    def open(self, path: str) -> Any:
        """Opens a file to read its bytes, at any place."""

    def glob(self, pattern: str) -> list[str]:
        """The paths that match a pattern."""

    def exists(self, path: str) -> bool:
        """Whether there is something at a path."""


class LocalFiles:
    """Files of this machine."""

    def open(self, path: str) -> Any:
        """See base class."""
        return open(path, "rb")

    def glob(self, pattern: str) -> list[str]:
        """See base class."""
        return glob(pattern)

    def exists(self, path: str) -> bool:
        """See base class."""
        return os.path.exists(path)


LOCAL = LocalFiles()


def match(pattern: str, files: Files = LOCAL) -> dict[str, str]:
    """The paths of the archives that match a pattern, by name, in name order.

    An archive's name is its path below the folder that the pattern searches. So it does not say
    where on a machine the corpus lies, and two archives never share one.

    Raises:
        CorpusError: if there is none.
    """
    if files.exists(pattern):
        return {os.path.basename(pattern): pattern}
    if not has_magic(pattern):
        raise CorpusError(f"no such file: {pattern}: give the path of a zip, or a pattern of paths")
    paths = files.glob(pattern)
    if not paths:
        raise CorpusError(f"nothing matches {pattern}: give a pattern that matches a zip or more")
    folder = pattern
    while has_magic(folder):
        folder = os.path.dirname(folder)
    return dict(
        sorted((PurePath(os.path.relpath(path, folder)).as_posix(), path) for path in paths)
    )


def fingerprint(archives: Mapping[str, str], files: Files = LOCAL) -> str:
    """SHA-256 over the names and the bytes of archives, and over nothing else.

    Args:
        archives: paths by name.
        files: where the paths lead.

    Raises:
        CorpusError: if one cannot be read.
    """
    total = hashlib.sha256()
    for name, path in sorted(archives.items()):
        content = hashlib.sha256()
        with readable(path), files.open(path) as file:
            while chunk := file.read(CHUNK):
                content.update(chunk)
        total.update(f"{name}\0{content.hexdigest()}\0".encode())
    return total.hexdigest()


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns the system's word that a file cannot be read into a CorpusError."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}): give a zip that this user may read"
        ) from error
