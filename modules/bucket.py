"""Versions in a bucket of S3's kind, which TF Serving reads and TensorFlow itself does not.

Object stores have no directories, and no renaming: a version's files appear one by one. Its
`saved_model.pb`, without which no server loads it, comes last. No TensorFlow here.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modules import versions
from modules.corpus.addresses import store_of
from modules.corpus.transfer import reading
from modules.errors import StorageError

SCHEME = "s3://"  # the only one that TF Serving knows, whoever's the store is
_LAST = "saved_model.pb"


def is_bucket(path: str) -> bool:
    """Whether a path leads into one."""
    return path.startswith(SCHEME)


class Bucket:
    """What is below an address such as s3://models/lyrics.

    AWS_ENDPOINT_URL says where the store is, and AWS_ACCESS_KEY_ID and so on who asks.

    Raises:
        CorpusError: if s3fs is not installed.
        StorageError: if the store does not answer, or refuses; so do all methods.
    """

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._store = store_of(base)

    def versions(self) -> dict[int, str]:
        """Addresses of the versions, ascending; those without a model are not there yet."""
        with self._asked("read"):
            found = versions.directories(self._base, self)
            return {number: at for number, at in found.items() if self._exists(f"{at}/{_LAST}")}

    def isdir(self, path: str) -> bool:
        """See `versions.FileSystem`."""
        return self._store.files.isdir(self._store.path(path))

    def listdir(self, path: str) -> list[str]:
        """See `versions.FileSystem`."""
        found = self._store.files.ls(self._store.path(path), detail=False)
        return [os.path.basename(name.rstrip("/")) for name in found]

    def check(self) -> None:
        """Finds out, before the work, whether something can be written."""
        probe = self._store.path(f"{self._base}/.{uuid.uuid4().hex}")
        with self._asked("written"):
            self._store.files.pipe_file(probe, b"")
            self._store.files.rm_file(probe)

    def download(self, version: str, directory: str) -> None:
        """Copies a version to a directory of this machine."""
        with self._asked("read"):
            folder = self._store.path(version)
            found = self._store.files.find(folder)
            copies = [os.path.join(directory, os.path.relpath(name, folder)) for name in found]
            self._store.files.get(found, copies)

    def upload(self, model: str, version: int) -> str:
        """Copies a model of this machine to a version; returns its address."""
        names = [str(path.relative_to(model)) for path in Path(model).rglob("*") if path.is_file()]
        names.sort(key=lambda name: (name == _LAST, name))
        version_at = versions.path_of(self._base, version)
        try:
            with self._asked("written"):
                for name in names:
                    target = self._store.path(f"{version_at}/{name}")
                    self._store.files.put_file(os.path.join(model, name), target)
        except BaseException:
            with suppress(Exception):  # what was wrong is told already
                self._store.files.rm(self._store.path(version_at), recursive=True)
            raise
        return version_at

    def _exists(self, path: str) -> bool:
        return self._store.files.exists(self._store.path(path))

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        with reading(self._base, self._store.failures, what, StorageError):
            yield
