"""The archives that a pattern matches: their names, their paths, and what they hold in sum."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from modules.corpus.addresses import is_address, is_web
from modules.corpus.members import why_not_read
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

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder."""

    def walk(self, path: str) -> list[str]:
        """The paths of all files in a folder, and in the folders in it."""


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

    def is_folder(self, path: str) -> bool:
        """See base class."""
        return os.path.isdir(path)

    def walk(self, path: str) -> list[str]:
        """See base class. A link to a folder is passed over, lest it lead round in a circle."""
        found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        return [path for path in found if os.path.isfile(path)]


LOCAL = LocalFiles()


def match(pattern: str, files: Files = LOCAL) -> dict[str, str]:
    """The paths of the archives that match a pattern, by name, in name order.

    An archive's name is its path below the folder that the pattern searches. So it does not say
    where on a machine the corpus lies, and two archives never share one.

    Raises:
        CorpusError: if there is none.
    """
    if files.exists(pattern):
        return {own_name(pattern): pattern}
    if not has_magic(pattern):
        raise CorpusError(
            f"no such file: {pattern}: give the path of a zip, of a .txt file or of a folder of "
            "them, or a pattern of paths"
        )
    paths = files.glob(pattern)
    if not paths:
        raise CorpusError(f"nothing matches {pattern}: give a pattern that matches a zip or more")
    folder = pattern
    while has_magic(folder):
        folder = os.path.dirname(folder)
    return dict(
        sorted((PurePath(os.path.relpath(path, folder)).as_posix(), path) for path in paths)
    )


def own_name(path: str) -> str:
    """Of a file or a folder, `.` and `songs/` included; of an address, without its query."""
    if is_web(path):
        return os.path.basename(unquote(urlsplit(path).path))
    return os.path.basename(path.rstrip("/") if is_address(path) else os.path.abspath(path))


def fingerprint(archives: Mapping[str, str], files: Files = LOCAL) -> str:
    """SHA-256 over the names and the bytes of archives, and over nothing else.

    Of a folder, over those of all texts in it.

    Args:
        archives: paths by name.
        files: where the paths lead.

    Raises:
        CorpusError: if one cannot be read.
    """
    total = hashlib.sha256()
    for name, path in sorted(archives.items()):
        if files.is_folder(path):
            inner = {os.path.relpath(file, path): file for file in files.walk(path)}
            texts = {name: file for name, file in inner.items() if not why_not_read(name)}
            digest = fingerprint(texts, files)
        else:
            digest = _digest(path, files)
        total.update(f"{name}\0{digest}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def _digest(path: str, files: Files) -> str:
    content = hashlib.sha256()
    with readable(path), files.open(path) as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
    return content.hexdigest()


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns the system's word that a file cannot be read into a CorpusError."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror or error}): give what this user may read"
        ) from error
