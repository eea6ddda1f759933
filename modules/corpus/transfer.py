"""The way from a store to this machine: how far it is, how much it may be, and what went wrong."""

import errno
import logging
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fsspec.callbacks import Callback

from modules.errors import CorpusError, LyricsError, StorageError, chain

_logger = logging.getLogger(__name__)

# A zip of more has an extended format; and by default texts may be a quarter of it, unpacked.
LARGEST = 2**32  # bytes of one file or folder
SECONDS = 2  # from one word of how far it is to the next
_MEGABYTE = 2**20


class Transfer(Callback):
    """Counts the bytes of files that are fetched together; says in the log how far they are.

    Args:
        address: what they are called.
        sizes: of those that the store told.

    Raises:
        CorpusError: if they are more than LARGEST.
    """

    def __init__(self, address: str, sizes: Sequence[int]) -> None:
        super().__init__()
        self._address = address
        self._expected = sum(sizes)
        self._done = 0
        self._said = time.monotonic()
        self._check(self._expected)

    def branched(self, path_1: str, path_2: str, **kwargs: Any) -> Callback:
        """See base class."""
        return _File(self)

    def expect(self, size: int) -> None:
        """Is told the size of a file that is now begun."""
        self._check(size)
        self._expected = max(self._expected, size)

    def add(self, size: int) -> None:
        """Is told of bytes that came."""
        self._done += size
        self._check(self._done)
        if time.monotonic() - self._said >= SECONDS:
            self._said = time.monotonic()
            done, expected = (f"{n / _MEGABYTE:,.1f}" for n in (self._done, self._expected))
            of_all = f" of {expected}" if self._expected >= self._done else ""
            _logger.info("fetching %s: %s%s MB", self._address, done, of_all)

    def _check(self, size: int) -> None:
        if size > LARGEST:
            raise CorpusError(
                f"{self._address} has {size / _MEGABYTE:,.0f} MB or more, and at most "
                f"{LARGEST / _MEGABYTE:,.0f} MB are fetched: take out what is no text, or copy it "
                "to this machine and give its path"
            )


class _File(Callback):
    """One of them."""

    def __init__(self, transfer: Transfer) -> None:
        super().__init__()
        self._transfer = transfer

    def set_size(self, size: int | None) -> None:
        """See base class."""
        self._transfer.expect(size or 0)

    def relative_update(self, inc: int = 1) -> None:
        """See base class."""
        self._transfer.add(inc)


@contextmanager
def reading(
    address: str,
    failures: tuple[type[Exception], ...],
    what: str = "read",
    kind: type[LyricsError] = CorpusError,
) -> Iterator[None]:
    """Turns a store's exceptions into one error that says what is wrong, and what to do.

    Args:
        address: what is asked for.
        failures: of the store.
        what: is done to it.
        kind: of the error.

    Raises:
        LyricsError: of that kind, if it cannot be done.
        StorageError: if there is no room for it on this machine.
    """
    try:
        yield
    except LyricsError:
        raise
    except failures as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise StorageError(
                f"there is no room for {address} in {tempfile.gettempdir()}: free some, or name "
                "another folder by TMPDIR"
            ) from error
        why, remedy = _explain(error, what)
        raise kind(f"{address} cannot be {what} ({why}): {remedy}") from error


def _explain(error: BaseException, what: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    from aiohttp import ClientPayloadError  # whoever raises it has imported it

    causes = [*chain(error)]
    said = " ".join(str(error).split()) or type(error).__name__
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError):
        return "404: nothing is there", "check the address"
    if isinstance(error, PermissionError) or status in (401, 403):
        denied = f"give credentials by which it may be {what}, or another address"
        return f"{status or 403}: access denied", denied
    if status:
        return f"{status}: {getattr(error, 'message', '')}", "check the address, or try later"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        trusted = "trust who issued its certificate by SSL_CERT_FILE, or give another address"
        return f"no secure connection: {said}", trusted
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its host is not known", "check the address, and the connection to the network"
    if isinstance(error, ClientPayloadError | ConnectionResetError):
        return "the connection was cut before all had come", "try again"
    if "redential" in said or "access token" in said:
        return said, "give credentials where the store's own tools look for them"
    return said, "check the address and the connection, or try again"
