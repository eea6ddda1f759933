"""A corpus that is learnt in seconds, and a pipeline over it."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import PRESETS, PipelineConfig

VERSES = ("春天来了花儿开", "夏天来了雨水多", "秋天来了叶子黄", "冬天来了雪花飘")


def write_songs(path: Path, songs: int = 12) -> Path:
    """A zip of songs, each the same verses from another one on."""
    with zipfile.ZipFile(path, "w") as archive:
        for song in range(songs):
            verses = [VERSES[(song + line) % len(VERSES)] for line in range(20)]
            archive.writestr(f"album/{song:02}.txt", "\n".join(verses) + "\n")
    return path


@pytest.fixture(scope="module")
def keep(config) -> Callable[[], Callable[[], None]]:
    """Keeps the run's directory, data and all, as it is; returns what makes it so again."""
    directory = Path(config.root).parent
    kept = directory.with_name(f"{directory.name} kept")

    def restore() -> None:
        shutil.rmtree(directory)
        shutil.copytree(kept, directory)

    def keep() -> Callable[[], None]:
        shutil.copytree(directory, kept)
        return restore

    return keep


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> PipelineConfig:
    """Of a run in a directory of its own, whose name holds a space."""
    directory = tmp_path_factory.mktemp("a run")
    return PRESETS["smoke"].override(
        {
            "data": str(write_songs(directory / "songs.zip")),
            "root": str(directory / "root"),
            "num_hiddens": 16,
            "embedding_size": 8,
            "learning_rate": 0.02,
            "prefixes": ("春天",),
            "sample_every": 1,
        }
    )
