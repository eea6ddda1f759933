"""What the metadata of a root say."""

import os
from collections.abc import Iterable

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import v1 as tfx

from pipeline.root import integrity

FINISHED = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)


def connection(root: str) -> mlmd.ConnectionConfig:
    """Of the metadata of the runs under a root, in SQLite."""
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(path(root))


def opened(root: str) -> metadata_store.MetadataStore:
    """They themselves; made where there are none."""
    return metadata_store.MetadataStore(connection(root))


def path(root: str) -> str:
    """Where they are."""
    return os.path.join(root, integrity.NAME)


def runs(store: metadata_store.MetadataStore) -> list[mlmd.Context]:
    """All runs, the newest first."""
    return sorted(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id, reverse=True)


def outputs(root: str) -> list[str]:
    """Where the artifacts are that finished stages put out."""
    return [artifact.uri for artifact in opened(root).get_artifacts()]


def artifacts(
    store: metadata_store.MetadataStore, executions: Iterable[mlmd.Execution]
) -> list[mlmd.Artifact]:
    """What executions took in and put out, the cached ones too."""
    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    return store.get_artifacts_by_id({event.artifact_id for event in events})
