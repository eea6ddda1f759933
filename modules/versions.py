"""Versions of a served model: `<base>/<version>/`, as TensorFlow Serving polls them.

A version is a positive whole number, larger for a later push. Whatever else lies in the base
directory is not a version: servers pass over it. No TensorFlow here.
"""

import os
import re
from typing import Protocol

LARGEST = 2**63 - 1  # as TensorFlow Serving reads them

PUSHED = re.compile("[1-9][0-9]*")  # how this project names one
SERVED = re.compile("[0-9]+")  # what TensorFlow Serving takes for one: `00000002` is version 2


class FileSystem(Protocol):
    """Where versions lie: this machine's files, or what TensorFlow's `gfile` reaches."""

    def isdir(self, path: str) -> bool:
        """Whether it is a directory."""

    def listdir(self, path: str) -> list[str]:
        """The names in a directory."""


class LocalFiles:
    """This machine's."""

    def isdir(self, path: str) -> bool:
        """See FileSystem."""
        return os.path.isdir(path)

    def listdir(self, path: str) -> list[str]:
        """See FileSystem."""
        return os.listdir(path)


def directories(
    base: str, files: FileSystem | None = None, named: re.Pattern = PUSHED
) -> dict[int, str]:
    """Where each version under `base` lies, ascending; none where there is no such directory.

    Args:
        base: directory of the versions.
        files: where that is; None is on this machine.
        named: the names that stand for versions.
    """
    files = files or LocalFiles()
    if not files.isdir(base):
        return {}
    names = sorted(name.rstrip("/") for name in files.listdir(base))  # buckets end folders so
    numbers = {int(name): os.path.join(base, name) for name in names if named.fullmatch(name)}
    found = {n: path for n, path in numbers.items() if n <= LARGEST and files.isdir(path)}
    return dict(sorted(found.items()))


def path_of(base: str, version: int) -> str:
    """Where a version of this project's lies."""
    return os.path.join(base, str(version))
