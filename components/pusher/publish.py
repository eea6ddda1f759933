"""Makes a model the newest version, whole or not at all."""

import logging
import os
import stat
import time
import uuid
from tempfile import TemporaryDirectory

from tensorflow.errors import AlreadyExistsError, FailedPreconditionError
from tensorflow.io import gfile

from components import pushed, saved_models
from modules import versions
from modules.bucket import Bucket, is_bucket

_logger = logging.getLogger(__name__)

UNFINISHED = ".unfinished"  # how the name of a copy ends that is no version yet


def publish(model: str, base: str) -> int:
    """Makes the SavedModel in the directory `model` the newest version under `base`.

    The copy is made beside the versions, under a name that no server polls, and takes its
    number in one rename: whoever polls sees all of a version or nothing. (Object stores have
    no such rename: see `modules.bucket`.) The number is the time in seconds, or one more than the
    newest where that is not larger. A model that is the newest version already, byte for byte, is
    not pushed again. With a version go checksums of its files.

    Returns:
        The version that holds the model.
    """
    existing = pushed.found(base)
    if existing:
        newest = max(existing)
        with pushed.readable(existing[newest]) as there:
            if saved_models.has_checksums(there) and _same(there, model):
                return newest
    return _to_bucket(model, base) if is_bucket(base) else _to_directory(model, base)


def _same(version: str, model: str) -> bool:
    return saved_models.digest(version) == saved_models.digest(model)


def _to_bucket(model: str, base: str) -> int:
    with TemporaryDirectory() as copy:
        saved_models.copy(model, copy)
        saved_models.state_checksums(copy)
        version = _next(base)
        Bucket(base).upload(copy, version)
    return version


def _to_directory(model: str, base: str) -> int:
    copy = os.path.join(base, f".{uuid.uuid4().hex}{UNFINISHED}")
    try:
        saved_models.copy(model, copy)
        saved_models.state_checksums(copy)
        version = _next(base)
        while True:
            try:
                gfile.rename(copy, versions.path_of(base, version))
                _check_readable(versions.path_of(base, version))
                return version
            except (AlreadyExistsError, FailedPreconditionError):  # taken meanwhile, or by a file
                version = _next(base, version + 1)
    except BaseException:
        if gfile.exists(copy):
            gfile.rmtree(copy)
        raise


def _next(base: str, least: int = 0) -> int:
    """The number of a new version."""
    newest = max(pushed.found(base), default=0)
    version = max(int(time.time()), newest + 1, least)
    if version > versions.LARGEST:
        raise ValueError(f"{base} holds version {versions.LARGEST}: there is none after it")
    return version


def _check_readable(path: str) -> None:
    """Says so if only this user can read a version on this machine, as a umask may have it."""
    if os.path.isdir(path) and not os.stat(path).st_mode & stat.S_IROTH:
        _logger.warning(
            "not every user can read %s, by this process's umask: a server of another user needs "
            "`chmod -R a+rX` of it, and of the folders that it is in",
            path,
        )
