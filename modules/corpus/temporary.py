"""A folder for copies: gone with its process; of one that was killed, with the next that makes one.

A process holds its folder by a lock of the operating system's, which no process outlives.
"""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_PREFIX = "tfx-lyrics-"
_YOUNG = 60  # seconds in which whoever made a folder may not hold it yet


class TemporaryFolder:
    """Among the system's temporary files.

    Attributes:
        path: of the folder.
    """

    def __init__(self) -> None:
        sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        self.path = self._folder.name
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Removes it."""
        self._folder.cleanup()
        os.close(self._lock)


def sweep() -> None:
    """Removes what processes of this user left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # held, another user's, or gone meanwhile
            if time.time() - folder.stat().st_mtime >= _YOUNG:
                _remove(folder)


def _remove(folder: Path) -> None:
    """Raises OSError if a process holds it."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
