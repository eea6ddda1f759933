import shutil
from collections import namedtuple

import pytest

from modules.errors import StorageError
from pipeline.config import PRESETS
from pipeline.root import room

pytestmark = pytest.mark.fast

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def config(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "songs.zip").write_bytes(bytes(10 * 2**20))
    places = {"root": str(tmp_path / "root"), "data": str(tmp_path / "*.zip")}
    return PRESETS["smoke"].override(places)


def test_what_is_needed_grows_with_the_corpus_and_the_network(config, tmp_path):
    assert 260 * 2**20 < room.needed(config) < 320 * 2**20
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "a.txt").write_bytes(bytes(2**20))
    of_a_folder = room.needed(config.override({"data": str(folder)}))
    assert 26 * 2**20 < of_a_folder < 100 * 2**20
    wider = config.override({"num_hiddens": 960})
    assert room.needed(wider) > room.needed(config) + 100 * 2**20


def test_too_little_room_is_told_before_the_first_run_alone(config, tmp_path, monkeypatch):
    room.check(config)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**30, 2**30 - 2**20, 2**20))
    with pytest.raises(
        StorageError, match=r"root=.* has 1 MB free, and a run on data=.* write 3\d\d"
    ):
        room.check(config)
    (tmp_path / "root" / "artifacts").mkdir()
    room.check(config)  # all may be cached
