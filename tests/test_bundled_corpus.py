"""The bundled corpus is what its README says."""

import hashlib
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module")
def songs() -> dict[str, str]:
    with zipfile.ZipFile(DATA / "lyrics.zip") as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_readme_tells_its_digest_and_size(songs):
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((DATA / "lyrics.zip").read_bytes()).hexdigest() in readme
    text = "".join(songs.values())
    assert f"{len(songs)} original song lyrics" in readme
    assert f"{len(text):,} characters, {len(set(text)):,} of them distinct" in readme


def test_it_is_large_and_varied_enough(songs):
    text = "".join(songs.values())
    assert len(text) >= 30_000
    assert len(set(text)) >= 1_200


def test_albums_are_folders_and_a_song_is_a_member(songs):
    albums = Counter(name.split("/")[0] for name in songs)
    assert set(albums.values()) == {8}
    for name, song in songs.items():
        title = re.fullmatch(r"\d\d-[^/]+/\d\d-(.+)\.txt", name)[1]
        assert song.startswith(f"{title}\n\n")
        assert song.endswith("\n")
        assert "\r" not in song


def test_choruses_repeat_within_songs_and_nothing_is_shared_between_them(songs):
    lines = {
        name: [line for line in song.splitlines()[2:] if len(line) > 5]
        for name, song in songs.items()
    }
    repeating = [name for name, own in lines.items() if len(set(own)) < len(own)]
    assert len(repeating) > len(songs) * 0.9
    owners = Counter(line for own in lines.values() for line in set(own))
    assert max(owners.values()) == 1
