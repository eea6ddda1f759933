"""Runs the pipeline on this machine: LocalDagRunner, with its metadata in SQLite.

Not public in TFX 1.16: the sentence that LocalDagRunner logs as a stage begins, which is read here,
since it has no callback. Without it only the progress would be missing.
"""

import logging
import os
from collections.abc import Callable

from absl import logging as absl_logging
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from modules.errors import ConfigError
from modules.training.halves import divide_processors
from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline

OnStage = Callable[[str, int, int], None]


def run(config: PipelineConfig, on_stage: OnStage = lambda stage, done, total: None) -> None:
    """Runs every stage that is not cached.

    Args:
        config: what to run; everything is written under `config.root`.
        on_stage: told, as each stage begins, its name, how many are done, and of how many.

    Raises:
        LyricsError: if the data or the options make no sense. The stage that found out leaves
            no output behind.
    """
    _make_root(config.root)
    divide_processors()
    pipeline = create_pipeline(config)
    pipeline.metadata_connection_config = metadata_connection(config)
    with _StageListener(on_stage, len(pipeline.components)):
        tfx.orchestration.LocalDagRunner().run(pipeline)


def _make_root(root: str) -> None:
    if "://" in root:
        raise ConfigError(
            "{root} is not on this machine, where the metadata have to be: give a local "
            "directory, or compile the pipeline for Kubeflow",
            {"root": root},
        )
    try:
        os.makedirs(root, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{{root}} cannot be made ({error.strerror}): give a directory that can be written",
            {"root": root},
        ) from error


def metadata_connection(config: PipelineConfig) -> metadata_store_pb2.ConnectionConfig:
    """Of the metadata of the pipeline under `config.root`."""
    path = os.path.join(config.root, "metadata.sqlite")
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(path)


class _StageListener(logging.Handler):
    """LocalDagRunner has no callback for the start of a stage, but it logs it."""

    def __init__(self, on_stage: OnStage, total: int) -> None:
        super().__init__(logging.INFO)
        self._on_stage = on_stage
        self._done = 0
        self._total = total

    def __enter__(self) -> None:
        self._verbosity = absl_logging.get_verbosity()
        absl_logging.set_verbosity(absl_logging.INFO)
        absl_logging.get_absl_logger().addHandler(self)

    def __exit__(self, *_: object) -> None:
        absl_logging.get_absl_logger().removeHandler(self)
        absl_logging.set_verbosity(self._verbosity)

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Component %s is running." and isinstance(record.args, tuple):
            self._on_stage(str(record.args[0]), self._done, self._total)
            self._done += 1
