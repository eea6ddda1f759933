"""Files at addresses, read as those of this machine are: of each there is one copy in a run."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from modules.corpus.addresses import is_address, is_web, store_of
from modules.corpus.files import LocalFiles
from modules.corpus.members import why_not_read
from modules.corpus.temporary import TemporaryFolder
from modules.corpus.transfer import Transfer, reading
from modules.errors import CorpusError

_PAGE = (b"<!doctype html", b"<html")  # how a web page begins, in small letters


class Fetched(LocalFiles):
    """Files of this machine, and of the addresses that `store_of` knows.

    What is at an address is looked at and fetched when it is first asked for. From then on it is
    what it was, until `close`: so all stages of a run read the same. Sent to another process it
    takes the copies along, as far as they are there too; the others are fetched there.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        # By address: the paths of copies, and sizes in bytes, None of a folder.
        self._copies: dict[str, str] = {}
        self._sizes: dict[str, int | None] = {}
        # By folder or pattern: the addresses of the files.
        self._listed: dict[str, list[str]] = {}
        self._folder: TemporaryFolder | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_folder": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        there = {at: path for at, path in self._copies.items() if os.path.exists(path)}
        self._copies = there

    def close(self) -> None:
        """Removes the copies; what is asked for next is fetched anew."""
        if self._folder:
            self._folder.close()
        self._forget()

    def bytes_fetched(self) -> int:
        """Of all copies."""
        return sum(map(os.path.getsize, self._copies.values()))

    def open(self, path: str) -> Any:
        """See base class."""
        if not is_address(path):
            return super().open(path)
        if path not in self._copies:
            self._fetch(path, [path])
        return super().open(self._copies[path])

    def glob(self, pattern: str) -> list[str]:
        """See base class."""
        if not is_address(pattern):
            return super().glob(pattern)
        return self._list(pattern, lambda files, path: files.glob(path, detail=True))

    def exists(self, path: str) -> bool:
        """See base class. Of the web that is known by fetching it."""
        if not is_address(path):
            return super().exists(path)
        if is_web(path):
            self.open(path).close()
            return True
        try:
            self._look(path)
        except CorpusError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        return True

    def is_folder(self, path: str) -> bool:
        """See base class."""
        if not is_address(path):
            return super().is_folder(path)
        return not is_web(path) and self._look(path) is None

    def walk(self, path: str) -> list[str]:
        """See base class. All texts of a folder at an address are fetched together."""
        if not is_address(path):
            return super().walk(path)
        found = self._list(path, lambda files, path: files.find(path, detail=True))
        texts = [at for at in found if not why_not_read(os.path.relpath(at, path))]
        self._fetch(path, [at for at in texts if at not in self._copies])
        return found

    def _look(self, path: str) -> int | None:
        """The size of what is at an address; None of a folder."""
        if path not in self._sizes:
            store = store_of(path)
            with reading(path, store.failures):
                info = store.files.info(store.path(path))
            self._sizes[path] = None if info["type"] == "directory" else info["size"]
        return self._sizes[path]

    def _list(self, path: str, ask: Callable[[Any, str], dict[str, dict]]) -> list[str]:
        """Addresses of files, in order; stores mark some folders by a `/` at the end."""
        if path not in self._listed:
            store = store_of(path)
            with reading(path, store.failures):
                infos = ask(store.files, store.path(path))
            found = {
                store.prefix + name: info["size"]
                for name, info in sorted(infos.items())
                if info["type"] == "file" and not name.endswith("/")
            }
            self._sizes.update(found)
            self._listed[path] = [*found]
        return self._listed[path]

    def _fetch(self, asked_for: str, addresses: list[str]) -> None:
        """Copies what is at addresses, all of it or nothing."""
        if not addresses:
            return
        store = store_of(asked_for)
        self._folder = self._folder or TemporaryFolder()
        copies = {at: os.path.join(self._folder.path, uuid.uuid4().hex) for at in addresses}
        known = [size for at in addresses if (size := self._sizes.get(at)) is not None]
        try:
            with reading(asked_for, store.failures), Transfer(asked_for, known) as transfer:
                paths = [store.path(at) for at in addresses]
                store.files.get(paths, [*copies.values()], callback=transfer)
            if is_web(asked_for):
                _check_no_page(asked_for, copies[asked_for])
        except BaseException:
            for copy in copies.values():
                with suppress(FileNotFoundError):
                    os.remove(copy)
            raise
        self._copies.update(copies)


FILES = Fetched()  # of this process


def _check_no_page(address: str, copy: str) -> None:
    """Refuses what servers show to people; it would be read as a text."""
    with open(copy, "rb") as file:
        if file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE):
            raise CorpusError(
                f"{address} is a web page, not a zip or a .txt file: give the address at which the "
                "file itself is downloaded"
            )
