"""What a full disk and damaged metadata come to, whoever meets them. No TensorFlow here."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from modules.errors import LyricsError, StorageError

# In the words of the operating system and of SQLite, which every library passes on.
_FULL = ("No space left on device", "Disk quota exceeded", "disk is full")
_DAMAGED = ("file is not a database", "database disk image is malformed")


@contextmanager
def explained(root: str) -> Iterator[None]:
    """Turns an exception that says so into a StorageError, with what to do."""
    try:
        yield
    except LyricsError:
        raise
    except Exception as error:
        said = " ".join(map(str, _chain(error)))
        if any(words in said for words in _FULL):
            megabytes = shutil.disk_usage(root).free / 2**20
            raise StorageError(
                f"there is no room left to write in {{root}} ({megabytes:.0f} MB are free): free "
                "some, as `lyrics clean` may, and run again; every stage that had ended is kept",
                {"root": root},
            ) from error
        if any(words in said for words in _DAMAGED):
            raise StorageError(
                "{root} has a damaged metadata.sqlite: remove that file and run again, which does "
                "every stage anew and leaves the pushed versions where they are",
                {"root": root},
            ) from error
        raise


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it came from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
