"""Runs the pipeline on this machine: LocalDagRunner, with its metadata in SQLite, or on a server.

Not public in TFX 1.16: the sentence that LocalDagRunner logs as a stage begins, which is read here,
since it has no callback. Without it only the progress would be missing.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import closing, suppress

from absl import logging as absl_logging
from tfx import v1 as tfx

from modules.corpus.fetching import FILES
from modules.training.halves import divide_processors
from pipeline.beam_workers import prepare
from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline
from pipeline.root import identity, integrity, manifest, store
from pipeline.root.debris import sweep
from pipeline.root.lock import held
from pipeline.root.server import Server

OnStage = Callable[[str, int, int], None]


def run(
    config: PipelineConfig,
    on_stage: OnStage = lambda stage, done, total: None,
    server: Server | None = None,
) -> None:
    """Runs every stage that is not cached.

    Args:
        config: what to run; everything is written under `config.root`.
        on_stage: told, as each stage begins, its name, how many are done, and of how many.
        server: of the store that has the metadata, logged in to; None for a file in the root.

    Raises:
        LyricsError: if the data or the options make no sense, or an artifact is not what was
            written. The stage that found out leaves no output behind.
    """
    config = config.here()
    divide_processors()
    sys.dont_write_bytecode = True  # of what TensorFlow generates: TMPDIR would keep it for ever
    with closing(FILES), held(config.root), _StageListener(on_stage) as listener:
        identity.check(config.root, server)
        integrity.check(config.root)
        sweep(config.root, config.serving_dir, server)
        manifest.check(config.root)
        pipeline = create_pipeline(config, identity.pipeline_name(config.root, server))
        prepare(pipeline.beam_pipeline_args)
        pipeline.metadata_connection_config = store.connection(config.root, server)
        listener.total = len(pipeline.components)
        try:
            tfx.orchestration.LocalDagRunner().run(pipeline)
        except Exception:
            with suppress(Exception):  # a disk that is full, say, is told of first
                sweep(config.root, config.serving_dir, server)
            raise
        artifacts = store.Store(config.root, server).artifacts()
        manifest.record(config.root, [artifact.uri for artifact in artifacts])


class _StageListener(logging.Handler):
    """LocalDagRunner has no callback for the start of a stage, but it logs it."""

    total = 0  # stages

    def __init__(self, on_stage: OnStage) -> None:
        super().__init__(logging.INFO)
        self._on_stage = on_stage
        self._done = 0

    def __enter__(self) -> "_StageListener":
        self._verbosity = absl_logging.get_verbosity()
        absl_logging.set_verbosity(absl_logging.INFO)
        absl_logging.get_absl_logger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        absl_logging.get_absl_logger().removeHandler(self)
        absl_logging.set_verbosity(self._verbosity)

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Component %s is running." and isinstance(record.args, tuple):
            self._on_stage(str(record.args[0]), self._done, self.total)
            self._done += 1
