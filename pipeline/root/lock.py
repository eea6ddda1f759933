"""One process at a time works on a root. No TensorFlow here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from modules.errors import ConfigError

_LOCK, _HOLDER = ".lock", ".holder"


@contextmanager
def held(root: str, wait: bool = False) -> Iterator[None]:
    """Makes the directory `root`, and holds it until the context is left or the process ends.

    The lock is the operating system's, so none outlives the process that took it, however it ends.

    Args:
        root: a directory of this machine.
        wait: whether to wait until no other process holds it.

    Raises:
        ConfigError: if it cannot be written, or another process holds it.
    """
    with _writable(root):
        os.makedirs(root, exist_ok=True)
        # Of one path there is one in a process, which may take it more than once.
        lock = FileLock(os.path.join(root, _LOCK), is_singleton=True)
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout as error:
            raise ConfigError(
                f"{{root}} is held by {_holder(root)}: wait until that has ended, as "
                "{wait.name} does, or give another directory",
                {"root": root, "wait": None},
            ) from error
    try:
        now = datetime.now().isoformat(" ", "seconds")
        with _writable(root):
            Path(root, _HOLDER).write_text(f"process {os.getpid()} since {now}")
        yield
    finally:
        lock.release()


def _holder(root: str) -> str:
    try:
        return Path(root, _HOLDER).read_text()
    except OSError:  # it is about to say so
        return "another process"


@contextmanager
def _writable(root: str) -> Iterator[None]:
    """Turns the system's word that nothing can be written into a ConfigError."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{{root}} cannot be written ({error.strerror}): give a directory in which this user "
            "may make files",
            {"root": root},
        ) from error
