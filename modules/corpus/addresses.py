"""Addresses: where a corpus may lie but on this machine, and the library that reads each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modules.errors import CorpusError
from modules.loopback import is_loopback

SECONDS = 30  # without an answer, or a byte, after which a server is given up
RETRIES = 10  # seconds for which Google's library tries again
WEB = ("http", "https")


@dataclass(frozen=True)
class Store:
    """Where some addresses lead.

    Attributes:
        files: fsspec's file system.
        prefix: of an address, which its paths lack.
        failures: what it raises where an address, a server, or the way to it, is at fault.
    """

    files: Any
    prefix: str
    failures: tuple[type[Exception], ...]

    def path(self, address: str) -> str:
        """What the file system calls it."""
        return address[len(self.prefix) :]


def is_address(path: str) -> bool:
    """Whether it is no path of this machine."""
    return "://" in path


def is_web(path: str) -> bool:
    """Whether it is an address of one file, whose folder nobody can list."""
    return _scheme(path) in WEB


def store_of(address: str) -> Store:
    """What reads an address.

    Raises:
        CorpusError: if nothing does, it is not installed, or it is no address.
    """
    scheme = _scheme(address)
    if scheme not in _STORES:
        raise CorpusError(
            f"{address} cannot be read: addresses begin with {', '.join(map(_begin, _STORES))}; "
            "give one of these, or copy the file to this machine and give its path"
        )
    try:
        return _STORES[scheme](address)
    except ImportError as error:
        raise CorpusError(
            f"{address} needs {error.name}, which is not installed: "
            "`pip install 'tfx-lyrics[cloud]'` does that"
        ) from error
    except ValueError as error:
        raise CorpusError(f"{address} is no address ({error}): check it") from error


def _scheme(path: str) -> str:
    return path.partition("://")[0].lower() if is_address(path) else ""


def _begin(scheme: str) -> str:
    return f"{scheme}://"


def _web(address: str) -> Store:
    """A server's. Its environment's proxies are asked, but not of this machine."""
    import asyncio

    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    client = {
        "timeout": aiohttp.ClientTimeout(total=None, connect=SECONDS, sock_read=SECONDS),
        "trust_env": not is_loopback(urlsplit(address).hostname or ""),
    }
    failures = (OSError, ValueError, asyncio.TimeoutError, aiohttp.ClientError)
    return Store(HTTPFileSystem(client_kwargs=client), "", failures)


def _s3(address: str) -> Store:
    """Amazon's, or another that speaks as S3 does: AWS_ENDPOINT_URL says which, as for all."""
    import asyncio

    import s3fs
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError
    from botocore.exceptions import ClientError as Refusal

    limits = {
        "connect_timeout": SECONDS,
        "read_timeout": SECONDS,
        "retries": {"max_attempts": 1},  # for s3fs tries again itself
    }
    files = s3fs.S3FileSystem(config_kwargs=limits, use_listings_cache=False)
    failures = (OSError, ValueError, asyncio.TimeoutError, ClientError, BotoCoreError, Refusal)
    return Store(files, address[: address.index("://") + 3], failures)


def _minio(address: str) -> Store:
    store = _s3(address)
    if "amazonaws.com" in store.files.s3.meta.endpoint_url:
        raise CorpusError(
            f"{address} does not say where the server is: set AWS_ENDPOINT_URL to its address, "
            "such as http://minio:9000"
        )
    return store


def _gs(address: str) -> Store:
    from modules.corpus.google import GoogleFiles

    return Store(GoogleFiles(RETRIES), address[: address.index("://") + 3], (OSError, ValueError))


_STORES: dict[str, Callable[[str], Store]] = {
    "https": _web,
    "http": _web,
    "s3": _s3,
    "gs": _gs,
    "minio": _minio,
}
