"""SavedModels on the file systems that TensorFlow reaches: told apart, and copied."""

import hashlib
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.io import gfile

_SAVED_MODEL = "saved_model.pb"
# Of a published model's files, as `sha256sum --check` reads them; servers pass the folder over.
CHECKSUMS = os.path.join("assets.extra", "SHA256SUMS")
_CHUNK = 2**20  # bytes in memory at a time


def holds_model(directory: str) -> bool:
    """Whether there is a SavedModel in the directory."""
    return gfile.exists(os.path.join(directory, _SAVED_MODEL))


def signatures(directory: str) -> set[str]:
    """Names of the signatures of the SavedModel in the directory; none if it cannot be read."""
    with gfile.GFile(os.path.join(directory, _SAVED_MODEL), "rb") as file:
        try:
            model = SavedModel.FromString(file.read())
        except DecodeError:
            return set()
    return {name for graph in model.meta_graphs for name in graph.signature_def}


def fault(directory: str) -> str | None:
    """What is wrong with what should be a SavedModel, in a few words; None if it is whole.

    Weights that are no numbers are wrong too. (Those of a mixture are none until it is fitted.)
    """
    if not holds_model(directory):
        return f"it has no {_SAVED_MODEL}"
    with gfile.GFile(os.path.join(directory, _SAVED_MODEL), "rb") as file:
        try:
            model = SavedModel.FromString(file.read())
        except DecodeError:
            return f"its {_SAVED_MODEL} is damaged"
    for asset in (asset for graph in model.meta_graphs for asset in graph.asset_file_def):
        if not gfile.exists(os.path.join(directory, "assets", asset.filename)):
            return f"its {asset.filename} is missing"
    try:
        variables = tf.train.load_checkpoint(os.path.join(directory, "variables", "variables"))
        for name in variables.get_variable_to_shape_map():
            values = np.asarray(variables.get_tensor(name))
            is_number = values.dtype.kind != "f" or np.isfinite(values).all()
            if not is_number and not name.startswith("mixture_weights"):
                return "it has weights that are no numbers"
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError):  # whatever the reader raises
        return "its variables are damaged or missing"
    checksums = _checksums(directory)
    for name, checksum in _stated_checksums(directory).items():
        if checksums.get(name) != checksum:
            return f"its {name} is not what was pushed"
    return None


def copy(source: str, target: str) -> None:
    """Copies every file under the directory `source` to the same place under `target`.

    (TFX's own `copy_dir` does not say which file it was that could not be copied.)
    """
    if not gfile.isdir(source):
        raise FileNotFoundError(f"{source} is no directory: was it removed meanwhile?")
    for name in _files(source):
        gfile.makedirs(os.path.dirname(os.path.join(target, name)))
        gfile.copy(os.path.join(source, name), os.path.join(target, name), overwrite=True)


def digest(directory: str) -> str:
    """SHA-256 over the names and contents of all files under `directory` but its checksums."""
    return hashlib.sha256(_lines(_checksums(directory)).encode()).hexdigest()


def state_checksums(directory: str) -> None:
    """Writes checksums of all files under `directory` beside them, so that `fault` sees changes."""
    path = os.path.join(directory, CHECKSUMS)
    gfile.makedirs(os.path.dirname(path))
    with gfile.GFile(path, "w") as file:
        file.write(_lines(_checksums(directory)))


def has_checksums(directory: str) -> bool:
    """Whether the checksums of all files are stated, and right."""
    return _stated_checksums(directory) == _checksums(directory)


def _stated_checksums(directory: str) -> dict[str, str]:
    """By name; none if none were stated."""
    path = os.path.join(directory, CHECKSUMS)
    if not gfile.exists(path):
        return {}
    with gfile.GFile(path, "rb") as file:
        lines = (line.partition("  ") for line in file.read().decode(errors="replace").splitlines())
        return {name: checksum for checksum, _, name in lines}


def _checksums(directory: str) -> dict[str, str]:
    """By name."""
    names = sorted(name for name in _files(directory) if name != CHECKSUMS)
    return {name: _checksum(os.path.join(directory, name)) for name in names}


def _checksum(path: str) -> str:
    content = hashlib.sha256()
    with gfile.GFile(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()


def _lines(checksums: dict[str, str]) -> str:
    return "".join(f"{checksum}  {name}\n" for name, checksum in checksums.items())


def _files(directory: str) -> Iterator[str]:
    """Paths of all files under `directory`, relative to it."""
    for folder, _, names in gfile.walk(directory):
        yield from (os.path.relpath(os.path.join(folder, name), directory) for name in names)
