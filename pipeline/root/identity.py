"""Which pipeline a root is in a store that several share: no two are the same. No TFX here."""

import hashlib
import os
import uuid
from pathlib import Path

from modules.contract import MODEL_NAME
from modules.errors import ConfigError
from pipeline.root.server import Server

METADATA = "metadata.sqlite"  # of a root that shares none
_FILE = ".pipeline"


def check(root: str, server: Server | None) -> None:
    """Refuses a store that is not the one which knows a root's earlier runs.

    Without what it knows of them, all that they made would seem to be what killed runs left.

    Raises:
        ConfigError: if the runs so far are in a file here, and now in a store, or the reverse.
    """
    if server and os.path.exists(os.path.join(root, METADATA)):
        raise ConfigError(
            f"{{root}} has the metadata of its runs in its own {METADATA}, got {{metadata}}: "
            "leave that out, or give another root",
            {"root": root, "metadata": str(server)},
        )
    if not server and os.path.exists(os.path.join(root, _FILE)):
        raise ConfigError(
            "{root} has the metadata of its runs in a store that roots share: give {metadata.name} "
            "and its address, or another root",
            {"root": root, "metadata": None},
        )


def check_known(root: str) -> None:
    """Raises ConfigError if there was no run under a root."""
    if not any(os.path.exists(os.path.join(root, name)) for name in (METADATA, _FILE)):
        raise ConfigError("{root} holds no runs: give the root of some", {"root": root})


def pipeline_name(root: str, server: Server | None = None) -> str:
    """What the pipeline is called, by which TFX's cache and all that is read here tell roots apart.

    In a store that is shared it is drawn for the root when it first runs, and changes with its
    path: neither a copy nor the same path of another machine is taken for it.

    Args:
        root: its real path; it has to exist.
        server: of the store; None for a file here.
    """
    if not server:
        return MODEL_NAME
    file = Path(root, _FILE)
    if not file.exists():
        unfinished = file.with_name(f"{_FILE}.unfinished")
        unfinished.write_text(uuid.uuid4().hex)
        unfinished.replace(file)
    drawn = hashlib.sha256(file.read_bytes() + os.fsencode(root))
    return f"{MODEL_NAME}-{drawn.hexdigest()[:16]}"
