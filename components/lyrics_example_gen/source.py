"""What an input pattern stands for now: a span, a version, and the archives' contents."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import tensorflow as tf
from tfx.components.example_gen import utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2

from modules.corpus import files, urls
from modules.errors import ConfigError, CorpusError

SPAN = utils.SPAN_PROPERTY_NAME
VERSION = utils.VERSION_PROPERTY_NAME
FINGERPRINT = utils.FINGERPRINT_PROPERTY_NAME

T = TypeVar("T")


class TfxFiles(files.LocalFiles):
    """Files of this machine, of the web, and of the buckets that TFX reads, such as `gs://...`."""

    def open(self, path: str) -> Any:
        """See base class."""
        if urls.is_url(path):
            return urls.download(path)
        return self._ask(path, lambda: fileio.open(path, "rb"), super().open)

    def glob(self, pattern: str) -> list[str]:
        """See base class."""
        return self._ask(pattern, lambda: [*map(str, fileio.glob(pattern))], super().glob)

    def exists(self, path: str) -> bool:
        """See base class. Of the web that is known only when it is opened."""
        return urls.is_url(path) or self._ask(path, lambda: fileio.exists(path), super().exists)

    def is_folder(self, path: str) -> bool:
        """See base class."""
        if urls.is_url(path):
            return False
        return self._ask(path, lambda: fileio.isdir(path), super().is_folder)

    def walk(self, path: str) -> list[str]:
        """See base class."""
        return self._ask(path, lambda: _walk(path), super().walk)

    def _ask(self, path: str, tfx: Callable[[], T], local: Callable[[str], T]) -> T:
        """TFX where a path has a scheme; else this machine."""
        if "://" not in path:
            return local(path)
        try:
            return tfx()
        except tf.errors.UnimplementedError as error:
            scheme = path.partition("://")[0]
            raise CorpusError(
                f"{path} cannot be read: TensorFlow knows no {scheme}:// here; install "
                "tensorflow-io, which may know it, or copy the file to this machine"
            ) from error
        except tf.errors.OpError as error:
            raise CorpusError(
                f"{path} cannot be read ({error.message}): give what this user may read"
            ) from error


def _walk(path: str) -> list[str]:
    return [os.path.join(folder, name) for folder, _, names in fileio.walk(path) for name in names]


FILES = TfxFiles()


@dataclass(frozen=True)
class Source:
    """The archives to read.

    Attributes:
        archives: their paths by name, in name order.
        span: the newest that the pattern's `{SPAN}` matches; 0 if it has none.
        version: the newest of the span that `{VERSION}` matches; None if it has none.
        fingerprint: SHA-256 over the archives' names and bytes.
    """

    archives: dict[str, str]
    span: int
    version: int | None
    fingerprint: str

    def properties(self) -> dict[str, int | str]:
        """What of it the metadata keep, by name."""
        found = {SPAN: self.span, VERSION: self.version, FINGERPRINT: self.fingerprint}
        return {name: value for name, value in found.items() if value is not None}


def has_placeholders(pattern: str) -> bool:
    """Whether a pattern has TFX's placeholders; raises ConfigError if they make no sense."""
    try:
        return any(utils.verify_split_pattern_specs(_split(pattern)))
    except ValueError as error:
        raise ConfigError(
            f"{error}: give a pattern such as span-{{SPAN}}/v{{VERSION}}/*.zip"
        ) from error


def resolve(pattern: str) -> Source:
    """Looks up what a pattern matches now: the newest version of the newest span.

    Args:
        pattern: a path or a glob, in which TFX's `{SPAN}` (or `{YYYY}`, `{MM}` and `{DD}`) and
            `{VERSION}` may stand for numbers.

    Raises:
        ConfigError: if the placeholders make no sense.
        CorpusError: if nothing matches, or what does cannot be read.
    """
    span, version = 0, None
    if has_placeholders(pattern):
        pattern, span, version = _newest(pattern)
    archives = files.match(pattern, FILES)
    return Source(archives, span, version, files.fingerprint(archives, FILES))


def _newest(pattern: str) -> tuple[str, int, int | None]:
    """The pattern with numbers for its placeholders, the span and the version."""
    split = _split(pattern)
    try:
        # Not made from the span and version that it returns, which have lost leading zeros.
        _, span, version = utils.calculate_splits_fingerprint_span_and_version("", [split])
    except ValueError as error:
        raise CorpusError(
            f"nothing matches {pattern} with numbers for the placeholders ({error}): "
            "check the pattern and the names of the folders"
        ) from error
    return split.pattern, span, version


def _split(pattern: str) -> Any:
    return example_gen_pb2.Input.Split(name="all", pattern=pattern)
