"""What a full disk, what may not be written, and damaged metadata come to, whoever meets them.

No TensorFlow here.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from modules.errors import LyricsError, StorageError

# In the words of the operating system and of SQLite, which every library passes on.
_FULL = ("No space left on device", "Disk quota exceeded", "disk is full")
_DENIED = (
    *("Permission denied", "Operation not permitted", "Read-only file system"),
    "attempt to write a readonly database",
)
_DAMAGED = ("file is not a database", "database disk image is malformed")


@contextmanager
def explained(root: str) -> Iterator[None]:
    """Turns an exception that says so into a StorageError, with what to do."""
    try:
        yield
    except LyricsError:
        raise
    except Exception as error:
        sentences = [str(one) for one in _chain(error)]
        if _found(_FULL, sentences):
            megabytes = shutil.disk_usage(root).free / 2**20
            raise StorageError(
                f"there is no room left to write in {{root}} ({megabytes:.0f} MB are free): free "
                "some, as `lyrics clean` may, and run again; every stage that had ended is kept",
                {"root": root},
            ) from error
        if denied := _found(_DENIED, sentences):
            raise StorageError(
                "{root} holds what this user may not write ({denied}): have it belong to this "
                "user, or give another directory, and run again; what had ended is kept",
                {"root": root},
                denied=denied,
            ) from error
        if _found(_DAMAGED, sentences):
            raise StorageError(
                "{root} has a damaged metadata.sqlite: remove that file and run again, which does "
                "every stage anew and leaves the pushed versions where they are",
                {"root": root},
            ) from error
        raise


def _found(words: Iterable[str], sentences: Iterable[str]) -> str | None:
    """The first line that holds some of the words."""
    lines = [line for sentence in sentences for line in sentence.splitlines()]
    return next((line for line in lines if any(word in line for word in words)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it came from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
