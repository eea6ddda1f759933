"""What no kept run needs."""

import os
from collections.abc import Iterable
from glob import escape, glob
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.pusher.executor import PUSHED_VERSION
from modules import versions
from pipeline.config import UNFINISHED
from pipeline.pushed import CONFIG_NAME
from pipeline.root import debris
from pipeline.root.server import Server
from pipeline.root.store import FINISHED, Store
from serving.rollout.config_file import ConfigFile


def find(
    root: str, serving_dir: str, keep: int, server: Server | None = None
) -> dict[str, list[str]]:
    """Paths of what no kept run needs, by what it is.

    Runs are kept with all that their stages read and wrote, cached or not; newer ones that did
    not end well are kept besides. Of versions, those are kept that a kept run pushed or has
    compared with, the newest, which servers serve if they are told nothing else, and whatever the
    model config beside them names.

    Args:
        root: a root that this process holds.
        serving_dir: where its versions are.
        keep: how many of the newest runs that ended well to keep.
        server: of the store that has the metadata; None for a file here.

    Raises:
        ConfigError: if the model config cannot be read.
        StorageError: if the store does not know the root.
    """
    store = Store(root, server)
    executions = _kept(store, keep)
    kept = store.artifacts_of(executions)
    left_behind = debris.find(store, root, serving_dir).paths
    needed = {artifact.uri for artifact in kept} | {*left_behind}
    others = {artifact.uri for artifact in store.artifacts()} - needed
    return {
        "artifacts": sorted(filter(os.path.exists, others)),
        "trainings that were cut off": _unfinished(root, executions),
        "versions": _versions(serving_dir, kept),
        "what killed runs left": [path for path in left_behind if debris.size(path)],
    }


def _kept(store: Store, keep: int) -> list[mlmd.Execution]:
    """Of the newest runs, until so many of them had ended well."""
    executions: list[mlmd.Execution] = []
    for run in store.runs():
        if not keep:
            break
        stages = store.metadata.get_executions_by_context(run.id)
        executions += stages
        keep -= all(stage.last_known_state in FINISHED for stage in stages)
    return executions


def _unfinished(root: str, executions: Iterable[mlmd.Execution]) -> list[str]:
    """All trainings, unless a kept run did not end well, which may go on with one."""
    if any(execution.last_known_state not in FINISHED for execution in executions):
        return []
    return sorted(glob(os.path.join(escape(root), UNFINISHED, "*")))


def _versions(serving_dir: str, kept: Iterable[mlmd.Artifact]) -> list[str]:
    """Those that neither a kept run nor a server needs."""
    found = versions.directories(serving_dir)
    needed = {max(found, default=0)}
    for artifact in kept:
        pushed = artifact.custom_properties[PUSHED_VERSION].string_value
        needed.add(int(pushed or artifact.custom_properties["version"].int_value))
    file = ConfigFile(Path(serving_dir, CONFIG_NAME))
    for model in file.config.model_config_list.config:
        if model.model_version_policy.HasField("all"):
            return []
        needed.update(model.model_version_policy.specific.versions, model.version_labels.values())
        needed.update(file.policy(model.name).versions)
    return [path for version, path in found.items() if version not in needed]
