"""What the metadata of a root say.

Not public in TFX 1.16: `Metadata`, which tries again while another process makes the tables of a
store. Without it that would be a loop here.
"""

import os
from collections.abc import Iterable

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import v1 as tfx
from tfx.orchestration.metadata import Metadata

from modules.errors import StorageError
from pipeline.root.identity import METADATA, pipeline_name
from pipeline.root.server import Server

FINISHED = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)


def connection(root: str, server: Server | None = None) -> mlmd.ConnectionConfig:
    """Of the metadata of the runs under a root: in SQLite, or on a server, without its password."""
    if not server:
        return tfx.orchestration.metadata.sqlite_metadata_connection_config(path(root))
    config = tfx.orchestration.metadata.mysql_metadata_connection_config(
        server.tcp_host, server.port, server.database, server.user, password=""
    )
    config.mysql.skip_db_creation = True  # what is spelled wrong would become a database
    return config


def path(root: str) -> str:
    """Where they are, if the root shares none."""
    return os.path.join(root, METADATA)


def _opened(config: mlmd.ConnectionConfig) -> metadata_store.MetadataStore:
    if not config.HasField("mysql"):
        return metadata_store.MetadataStore(config)
    with Metadata(config) as handle:
        return handle.store


class Store:
    """The metadata of the runs under a root, without those of roots that share their store.

    They are made where there are none.

    Attributes:
        metadata: ML Metadata's own, for whatever is asked by its id.
    """

    def __init__(self, root: str, server: Server | None = None) -> None:
        self.metadata = _opened(connection(root, server))
        name = pipeline_name(root, server)
        self._pipeline = self.metadata.get_context_by_type_and_name("pipeline", name)
        if server and not self._pipeline and os.path.exists(os.path.join(root, "artifacts")):
            raise StorageError(
                f"{{metadata}} does not know what is in {os.path.join(root, 'artifacts')}: give "
                "the store that the runs there were recorded in; if that is lost, or the root was "
                "moved or copied, remove that folder and run again, which does every stage anew",
                {"metadata": str(server)},
            )

    def runs(self) -> list[mlmd.Context]:
        """All runs, the newest first."""
        if not self._pipeline:
            return []
        within = self.metadata.get_children_contexts_by_context(self._pipeline.id)
        runs = [context for context in within if context.type == "pipeline_run"]
        return sorted(runs, key=lambda run: run.id, reverse=True)

    def executions(self) -> list[mlmd.Execution]:
        """Of all stages in all runs."""
        if not self._pipeline:
            return []
        return self.metadata.get_executions_by_context(self._pipeline.id)

    def artifacts(self) -> list[mlmd.Artifact]:
        """What finished stages put out."""
        if not self._pipeline:
            return []
        return self.metadata.get_artifacts_by_context(self._pipeline.id)

    def artifacts_of(self, executions: Iterable[mlmd.Execution]) -> list[mlmd.Artifact]:
        """What executions took in and put out, the cached ones too."""
        ids = [execution.id for execution in executions]
        events = self.metadata.get_events_by_execution_ids(ids)
        return self.metadata.get_artifacts_by_id({event.artifact_id for event in events})
