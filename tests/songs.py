"""A corpus that is learnt in seconds."""

import zipfile
from pathlib import Path

VERSES = ("春天来了花儿开", "夏天来了雨水多", "秋天来了叶子黄", "冬天来了雪花飘")


def write_songs(path: Path, songs: int = 12) -> Path:
    """A zip of songs, each the same verses from another one on."""
    with zipfile.ZipFile(path, "w") as archive:
        for song in range(songs):
            verses = [VERSES[(song + line) % len(VERSES)] for line in range(20)]
            archive.writestr(f"album/{song:02}.txt", "\n".join(verses) + "\n")
    return path
