"""What processes that were cut off left behind. Whoever holds the root knows that none lives."""

import logging
import os
import shutil
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.pusher.publish import UNFINISHED
from pipeline.root import store
from pipeline.root.server import Server

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Debris:
    """What no finished execution needs.

    Attributes:
        paths: directories and files.
        executions: which the metadata call running.
    """

    paths: list[str]
    executions: list[mlmd.Execution]


def find(kept: store.Store, root: str, serving_dir: str) -> Debris:
    """The debris under a root that this process holds; all is, if its metadata are lost."""
    executions = kept.executions()
    finished = {str(e.id) for e in executions if e.last_known_state in store.FINISHED}
    artifacts = os.path.join(escape(root), "artifacts", "*")
    outputs = [path for path in glob(f"{artifacts}/*/*") if os.path.basename(path) not in finished]
    working = glob(f"{artifacts}/.system/*/*")
    pushes = glob(os.path.join(escape(serving_dir), f".*{UNFINISHED}"))
    running = [e for e in executions if e.last_known_state == mlmd.Execution.RUNNING]
    return Debris([*outputs, *working, *pushes], running)


def sweep(root: str, serving_dir: str, server: Server | None = None) -> None:
    """Removes the debris under a root that this process holds; says so in a line."""
    if not os.path.exists(os.path.join(root, "artifacts")):
        return
    kept = store.Store(root, server)
    debris = find(kept, root, serving_dir)
    megabytes = sum(map(size, debris.paths)) / 2**20
    for path in debris.paths:
        remove(path)
    for execution in debris.executions:
        execution.last_known_state = mlmd.Execution.FAILED
    if debris.executions:
        kept.metadata.put_executions(debris.executions)
    if megabytes or debris.executions:  # a run that ends well leaves empty folders
        _logger.info(
            "cleared what was left unfinished: %.1f MB in %d places, and %d stages marked as "
            "running",
            *(megabytes, len(debris.paths), len(debris.executions)),
        )


def size(path: str) -> int:
    """Bytes of a file, or of all files under a directory."""
    files = Path(path).rglob("*") if os.path.isdir(path) else [Path(path)]
    return sum(file.lstat().st_size for file in files if not file.is_dir() or file.is_symlink())


def remove(path: str) -> None:
    """Removes a file, or a directory and all in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)
