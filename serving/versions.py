"""The versions of a model: which of the directories below its base path is served.

    <base path>/1/           loaded once, unloaded when 2 had been loaded
    <base path>/2/           served
    <base path>/3/           broken: its status says so, 2 goes on
    <base path>/notes/       not a positive integer: ignored

A version is written while it is watched, so one that failed is tried again when its files
have changed. Where the newest cannot be loaded, the newest that can is served; taking the
served one's directory away goes back to the one before, as long as there is one.
"""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import status_pb2
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from modules.errors import ServingError
from modules.versions import versions
from serving.servable import Servable

_logger = logging.getLogger(__name__)


class ModelVersions:
    """Loads, hands out and unloads the versions of one model.

    `poll` and `close` belong to one thread; everything else may be called from any.
    """

    def __init__(self, name: str, base_path: str | Path) -> None:
        """Watches `base_path`; nothing is loaded before the first `poll`.

        Raises:
            ServingError: if there is no such directory.
        """
        self.name = name
        self._base_path = Path(base_path)
        if not self._base_path.is_dir():
            raise ServingError(
                f"model_base_path={str(base_path)!r} is no directory: give the one that holds "
                "a model's numbered versions, or run the pipeline until it has pushed one"
            )
        self._changed = threading.Condition()
        self._served: Servable | None = None
        self._requests: Counter[int] = Counter()  # under way, by version
        self._statuses: dict[int, ModelVersionStatus] = {}
        self._failed: dict[int, frozenset] = {}  # the files it failed with, by version

    def poll(self) -> None:
        """Serves the newest version that can be loaded; never leaves a served one for none.

        Raises:
            OSError: if the base path cannot be read.
        """
        for version in reversed(versions(str(self._base_path))):
            path = self._base_path / str(version)
            if self._served and self._served.version == version:
                return
            files = _fingerprint(path)
            if self._failed.get(version) == files:
                continue
            if self._load(version, path):
                self._failed.pop(version, None)
                return
            self._failed[version] = files
        if not self._served:
            _logger.warning("no version of %s to serve below %s", self.name, self._base_path)

    @contextlib.contextmanager
    def use(self, version: int | None = None) -> Iterator[Servable]:
        """Lends the served version; it stays loaded until it is given back.

        Args:
            version: the version it has to be; None is whichever is served.

        Raises:
            tf.errors.NotFoundError: if it is not served.
        """
        with self._changed:
            servable = self._served
            if servable is None or version not in (None, servable.version):
                raise not_found(self.name, version)
            self._requests[servable.version] += 1
        try:
            yield servable
        finally:
            with self._changed:
                self._requests[servable.version] -= 1
                self._changed.notify_all()

    def statuses(self) -> list[ModelVersionStatus]:
        """How every version seen so far stands, newest first."""
        with self._changed:
            return [status for _, status in sorted(self._statuses.items(), reverse=True)]

    def close(self) -> None:
        """Unloads what is served, as soon as no request uses it."""
        self._replace_by(None)

    def _load(self, version: int, path: Path) -> bool:
        self._set_status(version, ModelVersionStatus.LOADING)
        try:
            servable = Servable(version, path)
        except Exception as error:  # whatever is wrong with it, the served one must go on
            _logger.error("version %d of %s cannot be loaded: %s", version, self.name, error)
            self._set_status(version, ModelVersionStatus.END, error)
            return False
        self._replace_by(servable)
        return True

    def _replace_by(self, servable: Servable | None) -> None:
        """Serves another version from now on, and unloads the one before."""
        with self._changed:
            previous, self._served = self._served, servable
            if servable:
                self._set_status(servable.version, ModelVersionStatus.AVAILABLE)
                _logger.info("serving version %d of %s", servable.version, self.name)
            if not previous:
                return
            self._set_status(previous.version, ModelVersionStatus.UNLOADING)
            self._changed.wait_for(lambda: not self._requests[previous.version])
        previous.close()
        self._set_status(previous.version, ModelVersionStatus.END)

    def _set_status(self, version: int, state: int, error: Exception | None = None) -> None:
        code = getattr(error, "error_code", tf.errors.UNKNOWN) if error else tf.errors.OK
        message = str(error) if error else ""
        status = status_pb2.StatusProto(error_code=code, error_message=message)
        with self._changed:
            self._statuses[version] = ModelVersionStatus(
                version=version, state=state, status=status
            )


def not_found(name: str, version: int | None) -> tf.errors.NotFoundError:
    """The error for a model, or a version of it, that is not served; in TF Serving's words."""
    wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return tf.errors.NotFoundError(None, None, f"Servable not found for request: {wanted}")


def _fingerprint(path: Path) -> frozenset:
    """Name, size and time of every file of a version."""
    stats = ((file, file.stat()) for file in path.rglob("*"))
    return frozenset((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats)
