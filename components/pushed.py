"""Pushed versions, in a directory that TensorFlow reaches or in a bucket that it does not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from tensorflow.io import gfile

from modules import versions
from modules.bucket import Bucket, is_bucket


def found(base: str) -> dict[int, str]:
    """Where each version under `base` lies, ascending."""
    return Bucket(base).versions() if is_bucket(base) else versions.directories(base, gfile)


@contextmanager
def readable(version: str) -> Iterator[str]:
    """A directory with a version's files, which TensorFlow reads: itself, or a copy for a while."""
    if not is_bucket(version):
        yield version
        return
    with TemporaryDirectory() as folder:
        Bucket(os.path.dirname(version)).download(version, folder)
        yield folder
