"""A corpus that is learnt in seconds, and a pipeline over it."""

import zipfile
from pathlib import Path

import pytest

from pipeline.config import PRESETS, PipelineConfig

VERSES = ("春天来了花儿开", "夏天来了雨水多", "秋天来了叶子黄", "冬天来了雪花飘")
OPTIONS = {
    "embedding_size": 8,
    "learning_rate": 0.005,
    # Epochs enough, and slow enough, that a run can be killed between two of them.
    "num_hiddens": 64,
    "num_epochs": 12,
    "patience": 0,
}


def write_songs(path: Path, songs: int = 12) -> Path:
    """A zip of songs, each the same verses from another one on."""
    with zipfile.ZipFile(path, "w") as archive:
        for song in range(songs):
            verses = [VERSES[(song + line) % len(VERSES)] for line in range(20)]
            archive.writestr(f"album/{song:02}.txt", "\n".join(verses) + "\n")
    return path


@pytest.fixture(scope="session")
def config(tmp_path_factory) -> PipelineConfig:
    """Of a run in a directory of its own, whose name holds a space."""
    directory = tmp_path_factory.mktemp("a run")
    place = {"data": str(write_songs(directory / "songs.zip")), "root": str(directory / "root")}
    return PRESETS["smoke"].override(OPTIONS | place)
