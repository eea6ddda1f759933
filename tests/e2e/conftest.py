"""A pipeline over a corpus that is learnt in seconds."""

import pytest
from songs import write_songs

from pipeline.config import PRESETS, PipelineConfig

OPTIONS = {
    "embedding_size": 8,
    "learning_rate": 0.005,
    # Epochs enough, and slow enough, that a run can be killed between two of them.
    "num_hiddens": 64,
    "num_epochs": 12,
    "patience": 0,
}


@pytest.fixture(scope="session")
def config(tmp_path_factory) -> PipelineConfig:
    """Of a run in a directory of its own, whose name holds a space."""
    directory = tmp_path_factory.mktemp("a run")
    place = {"data": str(write_songs(directory / "songs.zip")), "root": str(directory / "root")}
    return PRESETS["smoke"].override(OPTIONS | place)
