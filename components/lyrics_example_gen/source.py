"""What an input pattern stands for now: a span, a version, and the archives' contents."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2

from modules.corpus import files
from modules.corpus.addresses import is_address, is_web
from modules.corpus.fetching import FILES
from modules.errors import ConfigError, CorpusError

SPAN = utils.SPAN_PROPERTY_NAME
VERSION = utils.VERSION_PROPERTY_NAME
FINGERPRINT = utils.FINGERPRINT_PROPERTY_NAME

_PLACEHOLDER = re.compile(r"\{[A-Z]+(:\d+)?\}")


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
    path = pattern.rpartition("://")[2]
    prefix = pattern.removesuffix(path)
    split = _split(path)
    with _names(pattern) as folder:
        try:
            # Not made from the span and version that it returns, which have lost leading zeros.
            _, span, version = utils.calculate_splits_fingerprint_span_and_version(folder, [split])
        except ValueError as error:
            said = str(error).replace(f"{folder}/", prefix) if folder else error
            raise CorpusError(
                f"nothing matches {pattern} with numbers for the placeholders ({said}): "
                "check the pattern and the names of the folders"
            ) from error
    return prefix + split.pattern, span, version


@contextmanager
def _names(pattern: str) -> Iterator[str]:
    """The folder in which TFX finds the paths that may match; none for those of this machine.

    It cannot look at most addresses, so it is shown empty files of the names that are there.
    """
    if not is_address(pattern):
        yield ""
        return
    if is_web(pattern):
        raise CorpusError(
            f"{pattern} has placeholders, but folders of the web cannot be listed: give the "
            "address of one zip or .txt file"
        )
    with TemporaryDirectory() as folder:
        for address in FILES.glob(_PLACEHOLDER.sub("*", pattern)):
            name = address.partition("://")[2]
            if ".." not in name.split("/"):
                copy = Path(folder, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.touch()
        yield folder


def _split(pattern: str) -> Any:
    return example_gen_pb2.Input.Split(name="all", pattern=pattern)
