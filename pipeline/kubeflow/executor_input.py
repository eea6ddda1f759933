"""What KFP's driver tells a step, read as it is really written, and what the step answers.

Both are JSON: an ExecutorInput and an ExecutorOutput of KFP's pipeline spec. Written against KFP
2.17 and TFX 1.16, of which this is about three faults:

    tfx#7768    an input comes with `instanceSchema: ""` or without any type, on which TFX fails:
                the component's own specification knows the type
    no number   where PUBLISH_LOGS is on there is an output `executor-logs` of a type of KFP's
                own, which TFX cannot import: it is the launcher's, not the component's
    no number   URIs are the object store's, which TensorFlow cannot read: everything is at a
                path already, see `mounts`
"""

import copy
from collections.abc import Iterator
from typing import Any

from pipeline.kubeflow.mounts import Mounts

_KFPS_OWN = "system."  # how the titles of KFP's own types begin

Json = dict[str, Any]


def localised(given: Json, inputs_spec: Json, mounts: Mounts) -> Json:
    """An ExecutorInput that TFX can work with: everything typed, and on the step's own disk.

    Args:
        given: the ExecutorInput as KFP's driver wrote it.
        inputs_spec: the ComponentInputsSpec of the same component.
        mounts: where the launcher lays artifacts.
    """
    local = copy.deepcopy(given)
    for name in kfps_own(given, mounts):
        del local["outputs"]["artifacts"][name]
    local["outputs"]["outputFile"] = mounts.under(given["outputs"]["outputFile"])
    types = inputs_spec.get("artifacts", {})
    for name, artifact in _artifacts(local, "inputs"):
        if name in types:
            artifact["type"] = types[name]["artifactType"]
    for side in ("inputs", "outputs"):
        for _, artifact in _artifacts(local, side):
            artifact["uri"] = _path(artifact, mounts)
            artifact.pop("customPath", None)
    return local


def output_paths(local: Json) -> list[str]:
    """The directories that a component writes its outputs to."""
    return [artifact["uri"] for _, artifact in _artifacts(local, "outputs")]


def kfps_own(given: Json, mounts: Mounts) -> dict[str, str]:
    """The paths of the outputs that are of KFP's own types, by name."""
    return {
        name: _path(artifact, mounts)
        for name, artifact in _artifacts(given, "outputs")
        if artifact.get("type", {}).get("schemaTitle", "").startswith(_KFPS_OWN)
    }


def globalised(answer: Json, given: Json, mounts: Mounts) -> Json:
    """An ExecutorOutput in which every path of an artifact is its URI again, in metadata too.

    Args:
        answer: the ExecutorOutput that TFX wrote.
        given: the ExecutorInput as KFP's driver wrote it.
        mounts: where the launcher lays artifacts.
    """
    uris = {
        _path(artifact, mounts): artifact["uri"]
        for side in ("inputs", "outputs")
        for _, artifact in _artifacts(given, side)
    }
    return _replaced(answer, uris, mounts)


def _artifacts(of: Json, side: str) -> Iterator[tuple[str, Json]]:
    """Each artifact of one side, with the name of its channel."""
    for name, channel in of.get(side, {}).get("artifacts", {}).items():
        for artifact in channel.get("artifacts", []):
            yield name, artifact


def _path(artifact: Json, mounts: Mounts) -> str:
    custom = artifact.get("customPath")
    return mounts.under(custom) if custom else mounts.path(artifact["uri"])


def _replaced(value: Any, uris: dict[str, str], mounts: Mounts) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, uris, mounts) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, uris, mounts) for item in value]
    if not isinstance(value, str):
        return value
    for path, uri in uris.items():
        if value == path or value.startswith(f"{path}/"):
            return uri + value.removeprefix(path)
    return mounts.uri(value)
