"""Whether nothing has changed since a run that ended well: its summary is this one's, then.

TFX would find out as much, stage by stage, once it is imported, which takes longer than all else
that such a run has to do. What counts is what TFX's cache looks at, and more of it: the options,
this project's code, the corpus, and every byte of the artifacts, the versions and the metadata. A
run that is recalled is not in the metadata. No TensorFlow here.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from modules import versions
from modules.corpus import files
from modules.corpus.account import Account
from modules.corpus.addresses import is_address
from modules.corpus.fetching import FILES
from modules.sources import PACKAGES, ROOT
from pipeline.config import PipelineConfig
from pipeline.root import manifest
from pipeline.root.identity import METADATA
from pipeline.summary import Stage, Summary
from serving.protocol.answers import Candidate, Filled

_STATE, _PREFIX, _SUMMARY = "state", "prefix", "summary"
_PLACEHOLDER = "{"  # of a pattern that it takes TFX to read


def recall(config: PipelineConfig, prefix: str | None) -> Summary | None:
    """What a run would come to that found everything cached; None if it might find otherwise.

    Args:
        config: what would run.
        prefix: what the pushed version would be asked; if that is what it was asked then, its
            answer is in the summary, which would be the same.

    Raises:
        StorageError: if an artifact is not what was written.
        CorpusError: if the corpus cannot be read.
    """
    with suppress(OSError, ValueError, TypeError, KeyError):  # of another release, or damaged
        finished = json.loads(_path(config).read_text())
        summary = _read(finished[_SUMMARY])
        if finished[_STATE] == _state(config) and manifest.is_complete(config.root):
            manifest.check(config.root)
            same = finished[_PREFIX] == prefix
            return summary if same else replace(summary, lyric=None, filled=None)
    return None


def remember(config: PipelineConfig, prefix: str | None, summary: Summary) -> None:
    """Keeps the summary of a run that has ended, and what it depends on."""
    cached = [replace(stage, seconds=0.0, cached=True) for stage in summary.stages]
    kept = asdict(replace(summary, stages=cached, unanswered=None))
    with suppress(OSError):  # nothing is lost without it but time
        if state := _state(config):
            unfinished = Path(config.root, ".finished.unfinished")
            unfinished.write_text(json.dumps({_STATE: state, _PREFIX: prefix, _SUMMARY: kept}))
            unfinished.replace(_path(config))


def _read(summary: dict[str, Any]) -> Summary:
    parts = {
        "stages": [Stage(**stage) for stage in summary["stages"]],
        "corpus": Account(**summary["corpus"]),
    }
    if filled := summary["filled"]:
        blanks = [[Candidate(**candidate) for candidate in blank] for blank in filled["blanks"]]
        parts["filled"] = Filled(**filled | {"blanks": blanks})
    return Summary(**summary | parts)


def _path(config: PipelineConfig) -> Path:
    return Path(config.root, ".finished.json")


def _state(config: PipelineConfig) -> str | None:
    """SHA-256 over all that a run depends on; None where it cannot be told."""
    if _PLACEHOLDER in config.data or is_address(config.serving_dir):
        return None
    total = hashlib.sha256(repr(config).encode())
    total.update(files.fingerprint(files.match(config.data, FILES), FILES).encode())
    for path in [*_sources(), *_written(config)]:
        total.update(f"{path}\0{manifest.checksum(path)}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _sources() -> Iterator[Path]:
    """The files of this project's code."""
    for package in PACKAGES:
        yield from sorted(Path(ROOT, package).rglob("*.py"))


def _written(config: PipelineConfig) -> Iterator[Path]:
    """The files that say what was done, artifacts' checksums among them, and the versions'."""
    yield from (Path(config.root, name) for name in (METADATA, manifest.NAME))
    for version in versions.directories(config.serving_dir).values():
        yield from sorted(path for path in Path(version).rglob("*") if path.is_file())
