"""The versions of one model: which are loaded, answer, drain and are gone.

    START       is to be loaded
    LOADING     is loaded, or will be tried again since that failed
    AVAILABLE   answers
    UNLOADING   takes no new request and finishes those under way
    END         unloaded, or given up: its status tells the error

A new version is loaded while the old one answers, which goes only when the new one is there:
TF Serving calls that preserving availability. So a version that cannot be loaded never takes a
good one down.

Source: TF Serving, core/availability_preserving_policy.cc, core/aspired_versions_manager.cc and
core/loader_harness.cc. Differently from there a failed version waits for its next try without
keeping other models waiting, and its status tells the error meanwhile.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import status_pb2
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.server.refusals import servable_not_found
from serving.server.runtime.loaded_model import LoadedModel
from serving.server.versions.warm_up import warm_up

START, LOADING, AVAILABLE, UNLOADING, END = (
    getattr(ModelVersionStatus, name)
    for name in ("START", "LOADING", "AVAILABLE", "UNLOADING", "END")
)
Load = Callable[[int, Path], LoadedModel]
_MOST_ENDED = 100  # of a model's versions that are gone so many are remembered

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loading:
    """How versions are loaded.

    Attributes:
        load: makes a model of a version's number and directory.
        enable_model_warmup: whether it first answers the requests that travel with it.
        num_request_iterations_for_warmup: how often it answers each; 0 is once, too.
        max_num_load_retries: further tries after the first.
        load_retry_interval_micros: between two tries, in microseconds.
        on_warm_up: told the directory of each version that answered such requests, and the
            seconds that it took.
    """

    load: Load = LoadedModel
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    on_warm_up: Callable[[Path, float], None] = lambda path, seconds: None


@dataclass
class _Version:
    """One version, from the moment that it is to be served; the model's lock guards it."""

    number: int
    path: str
    state: int = START
    error: status_pb2.StatusProto = field(default_factory=status_pb2.StatusProto)
    model: LoadedModel | None = None
    requests: int = 0  # under way
    tries: int = 0
    next_try: float = 0.0  # on the monotonic clock
    aspired: bool = True

    @property
    def is_due(self) -> bool:
        """Whether it is to be loaded now."""
        return self.aspired and self.state in (START, LOADING) and time.monotonic() > self.next_try

    @property
    def status(self) -> ModelVersionStatus:
        return ModelVersionStatus(version=self.number, state=self.state, status=self.error)


class ModelVersions:
    """Loads, lends and unloads the versions of one model.

    `aspire`, `manage` and `close` belong to one thread at a time; all else to any.
    """

    def __init__(self, name: str, loading: Loading) -> None:
        self.name = name
        self._loading = loading
        self._changed = threading.Condition()
        self._versions: dict[int, _Version] = {}  # all there are, and the last that there were

    def aspire(self, directories: Mapping[int, str]) -> None:
        """Says which versions are to be served; `manage` sees to it.

        Args:
            directories: of these versions, by number.
        """
        with self._changed:
            for version in self._versions.values():
                if version.state == END and not version.aspired:
                    continue
                version.aspired = version.number in directories
                if not version.aspired and version.state in (START, LOADING):
                    version.state = END  # no further tries
            for number, path in directories.items():
                known = self._versions.get(number)
                if known is None or not known.aspired:
                    self._versions[number] = _Version(number, path)
            ended = [n for n, v in self._versions.items() if v.state == END and not v.aspired]
            for number in sorted(ended)[:-_MOST_ENDED]:
                del self._versions[number]

    def manage(self) -> None:
        """Loads and unloads what is due, one after the other."""
        while self._unload_one() or self._load_one():
            pass

    @contextlib.contextmanager
    def use(self, version: int | None = None) -> Iterator[LoadedModel]:
        """Lends a version, which stays loaded until it is given back.

        Args:
            version: its number; None is the newest.

        Raises:
            tf.errors.NotFoundError: if it is not available.
        """
        with self._changed:
            number = max(self._available(), default=None) if version is None else version
            if number not in self._available():
                raise servable_not_found(self.name, version)
            lent = self._versions[number]
            lent.requests += 1
            model = lent.model
        assert model
        try:
            yield model
        finally:
            with self._changed:
                lent.requests -= 1
                drained = lent.state == UNLOADING and not lent.requests
            if drained:
                self._end(lent)

    def available(self) -> list[int]:
        """The versions that answer, ascending."""
        with self._changed:
            return sorted(self._available())

    def statuses(self) -> list[ModelVersionStatus]:
        """How every version stands, and the last that there were, newest first."""
        with self._changed:
            versions = sorted(self._versions.items(), reverse=True)
            return [version.status for _, version in versions]

    def close(self) -> None:
        """Unloads everything; requests that are still under way are cancelled."""
        self.aspire({})
        with self._changed:
            loaded = [v.model for v in self._versions.values() if v.model]
        for model in loaded:
            model.close()
        self.manage()
        with self._changed:
            self._changed.wait_for(lambda: all(v.state == END for v in self._versions.values()))

    def _available(self) -> dict[int, _Version]:
        return {n: v for n, v in self._versions.items() if v.state == AVAILABLE}

    def _unload_one(self) -> bool:
        """Takes leave of the lowest version that is not wanted, if it can be done without."""
        with self._changed:
            unwanted = [v for v in self._available().values() if not v.aspired]
            aspired = [v for v in self._versions.values() if v.aspired]
            answering = any(v.state == AVAILABLE for v in aspired)
            if not unwanted or (aspired and not answering and len(unwanted) == 1):
                return False
            version = min(unwanted, key=lambda v: v.number)
            version.state = UNLOADING
            drained = not version.requests
        if drained:
            self._end(version)
        return True

    def _end(self, version: _Version) -> None:
        """Frees what nobody uses any more."""
        assert version.model
        version.model.close()
        version.model = None
        self._set(version, END)
        _logger.info("unloaded version %d of %s", version.number, self.name)

    def _load_one(self) -> bool:
        """Tries to load the highest version that is due."""
        with self._changed:
            due = [v for v in self._versions.values() if v.is_due]
        if not due:
            return False
        version = max(due, key=lambda v: v.number)
        self._set(version, LOADING, version.error)
        version.tries += 1
        try:
            version.model = self._load(version.number, Path(version.path))
        except Exception as error:  # a broken SavedModel can be broken in many ways
            self._failed(version, error)
        else:
            self._set(version, AVAILABLE)
            _logger.info("serving version %d of %s", version.number, self.name)
        return True

    def _load(self, number: int, path: Path) -> LoadedModel:
        model = self._loading.load(number, path)
        if self._loading.enable_model_warmup:
            times = self._loading.num_request_iterations_for_warmup or 1
            start = time.perf_counter()
            try:
                if warm_up(model, path, times):
                    self._loading.on_warm_up(path, time.perf_counter() - start)
            except BaseException:
                model.close()
                raise
        return model

    def _failed(self, version: _Version, error: Exception) -> None:
        # Not the exception, whose traceback holds all that was loaded of the version.
        code = getattr(error, "error_code", tf.errors.UNKNOWN)
        message = str(error)
        if "://" not in version.path and not Path(version.path).exists():
            code, message = tf.errors.NOT_FOUND, f"{version.path} was removed while it was loaded"
        _logger.error("version %d of %s cannot be loaded: %s", version.number, self.name, message)
        version.next_try = time.monotonic() + self._loading.load_retry_interval_micros / 1e6
        exhausted = version.tries > self._loading.max_num_load_retries
        status = status_pb2.StatusProto(error_code=code, error_message=message)
        self._set(version, END if exhausted else LOADING, status)

    def _set(
        self, version: _Version, state: int, error: status_pb2.StatusProto | None = None
    ) -> None:
        with self._changed:
            version.state, version.error = state, error or status_pb2.StatusProto()
            self._changed.notify_all()
