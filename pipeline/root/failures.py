"""What a disk, or the server of a store, that fails comes to, whoever meets it. No TensorFlow."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from modules.errors import LyricsError, StorageError, chain

# In the words of the operating system, of SQLite and of MySQL, which every library passes on: what
# it is, and what to do.
_CAUSES = (
    (
        ("No space left on device", "Disk quota exceeded", "disk is full"),
        "there is no room left to write in {root} ({free} MB are free): free some, as `lyrics "
        "clean` may, and run again; every stage that had ended is kept",
    ),
    (
        ("File too large", "Input/output error", "disk I/O error"),
        "the system did not write or read all that it should in {root} ({said}): look at `ulimit "
        "-f` and at the disk, and run again; every stage that had ended is kept",
    ),
    (
        (
            *("Permission denied", "Operation not permitted", "Read-only file system"),
            "attempt to write a readonly database",
        ),
        "{root} holds what this user may not write ({said}): have it belong to this user, or give "
        "another directory, and run again; every stage that had ended is kept",
    ),
    (
        (
            *("file is not a database", "database disk image is malformed"),
            *("malformed database schema", "Could not decode to UTF-8"),
        ),
        "{root} has a damaged metadata.sqlite: remove that file and run again, which does every "
        "stage anew and leaves the pushed versions where they are",
    ),
    (
        ("subset of tables in MLMD instance",),
        "the database of {metadata.name} has only some of the tables of ML Metadata, as a first "
        "run leaves them that is cut off while it makes them: have it dropped and made anew, and "
        "run again",
    ),
    (
        ("Out of range value for column 'int_value'",),
        "the store of {metadata.name} holds whole numbers up to 2,147,483,647, and a span or a "
        "version has a larger one: number these otherwise, or give a root without {metadata.name}",
    ),
    (
        ("command denied to user",),
        "the server of {metadata.name} does not let its user do what ML Metadata does ({said}): "
        "grant ALL on the database, and run again; every stage that had ended is kept",
    ),
    (
        (
            *("mysql_real_connect failed", "Lost connection to", "server has gone away"),
            *("Can't connect to", "Server shutdown in progress"),
        ),
        "the server of {metadata.name} answers no more ({said}): see that it runs, and lets its "
        "user in by mysql_native_password, as ML Metadata's client needs it, and run again; every "
        "stage that had ended is kept",
    ),
)


@contextmanager
def explained(root: str) -> Iterator[None]:
    """Turns an exception that says so into a StorageError, with what to do."""
    try:
        yield
    except LyricsError:
        raise
    except Exception as error:
        sentences = [str(one) for one in chain(error)]
        for words, sentence in _CAUSES:
            if said := _found(words, sentences):
                free = f"{shutil.disk_usage(root).free / 2**20:.0f}"
                options = {"root": root, "metadata": None}
                raise StorageError(sentence, options, said=said, free=free) from error
        raise


def _found(words: Iterable[str], sentences: Iterable[str]) -> str | None:
    """The first line that holds some of the words."""
    lines = [line for sentence in sentences for line in sentence.splitlines()]
    return next((line for line in lines if any(word in line for word in words)), None)
