"""Makes a model the newest version, whole or not at all."""

import logging
import os
import stat
import time
import uuid

from tensorflow.errors import AlreadyExistsError, FailedPreconditionError
from tensorflow.io import gfile

from components import saved_models
from modules import versions

_logger = logging.getLogger(__name__)

UNFINISHED = ".unfinished"  # how the name of a copy ends that is no version yet


def publish(model: str, base: str) -> int:
    """Makes the SavedModel in the directory `model` the newest version under `base`.

    The copy is made beside the versions, under a name that no server polls, and takes its
    number in one rename: whoever polls sees all of a version or nothing. (Object stores have
    no such rename; there, files appear one by one.) The number is the time in seconds, or one
    more than the newest where that is not larger. A model that is the newest version already,
    byte for byte, is not pushed again. With a version go checksums of its files.

    Returns:
        The version that holds the model.
    """
    existing = versions.directories(base, gfile)
    newest = max(existing, default=0)
    if newest and saved_models.digest(existing[newest]) == saved_models.digest(model):
        if not saved_models.has_checksums(existing[newest]):
            saved_models.state_checksums(existing[newest])
        return newest
    copy = os.path.join(base, f".{uuid.uuid4().hex}{UNFINISHED}")
    try:
        saved_models.copy(model, copy)
        saved_models.state_checksums(copy)
        version = max(int(time.time()), max(versions.directories(base, gfile), default=0) + 1)
        while True:
            if version > versions.LARGEST:
                raise ValueError(f"{base} holds version {versions.LARGEST}: there is none after it")
            try:
                gfile.rename(copy, versions.path_of(base, version))
                _check_readable(versions.path_of(base, version))
                return version
            except (AlreadyExistsError, FailedPreconditionError):  # taken meanwhile, or by a file
                version += 1
    except BaseException:
        if gfile.exists(copy):
            gfile.rmtree(copy)
        raise


def _check_readable(path: str) -> None:
    """Says so if only this user can read a version on this machine, as a umask may have it."""
    if os.path.isdir(path) and not os.stat(path).st_mode & stat.S_IROTH:
        _logger.warning(
            "not every user can read %s, by this process's umask: a server of another user needs "
            "`chmod -R a+rX` of it, and of the folders that it is in",
            path,
        )
