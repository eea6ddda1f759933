"""What becomes of output that its terminal, pipe or file cannot take."""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = 128 + signal.SIGPIPE  # the status of what the signal ends, as shells have it


def prepare() -> None:
    """Lets standard output take every character, and has all three streams be there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started this
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open to the end
    if getattr(sys.stdout, "errors", "") == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextmanager
def guarded() -> Iterator[None]:
    """Ends the command where a disk is full, in a sentence, or nobody reads on, in silence."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (*_FULL, errno.EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the rest of it
        if isinstance(error, BrokenPipeError):
            raise SystemExit(_CLOSED) from error
        sentence = f"there is no room to write to ({error.strerror}): make some, or write elsewhere"
        click.ClickException(sentence).show()
        raise SystemExit(1) from error
