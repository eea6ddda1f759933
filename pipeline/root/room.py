"""Whether there is room for a run, told before it and not in its middle. No TensorFlow here."""

import os
import shutil
from glob import glob

from modules.corpus.addresses import is_address
from modules.corpus.files import LOCAL
from modules.errors import StorageError
from pipeline.config import PipelineConfig

# Measured: the stages before the training make 86 MB of a zip of 3.3 MB, mostly n-grams.
_PER_BYTE = 26
# A training's checkpoints with its optimizer's moments, the best weights, and four copies of them:
# the model, the pushed one, the version and the baseline.
_COPIES = 8
_LARGEST_VOCABULARY = 6_000  # entries; that of the corpus is not known yet
_ELSE = 10 * 2**20  # bytes: metadata, statistics, the graphs of the models


def needed(config: PipelineConfig) -> int:
    """Bytes that a first run writes, estimated."""
    hyperparameters = config.hyperparameters
    units = hyperparameters.num_hiddens + hyperparameters.embedding_units
    cells = hyperparameters.num_layers * 4 * hyperparameters.num_hiddens * units
    weights = 4 * (cells + _LARGEST_VOCABULARY * units)
    files = [path for found in glob(config.data) for path in (LOCAL.walk(found) or [found])]
    read = sum(map(os.path.getsize, files)) + _fetched(config.data)
    return _ELSE + _PER_BYTE * read + _COPIES * weights


def _fetched(data: str) -> int:
    """Bytes of what was fetched from an address."""
    if not is_address(data):
        return 0
    from modules.corpus.fetching import FILES  # and fsspec, which --help does not need

    return FILES.bytes_fetched()


def check(config: PipelineConfig) -> None:
    """Compares what a first run needs with what is free; a later one may find all cached.

    Raises:
        StorageError: if that is less.
    """
    if os.path.exists(os.path.join(config.root, "artifacts")):
        return
    free, bytes_needed = shutil.disk_usage(config.root).free, needed(config)
    if free < bytes_needed:
        raise StorageError(
            f"{{root}} has {free / 2**20:,.0f} MB free, and a run on {{data}} may write "
            f"{bytes_needed / 2**20:,.0f} MB: free some, or give a directory with more room",
            vars(config),
        )
