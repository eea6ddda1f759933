"""The task that finds out what the corpus is, told as KFP's driver tells a task."""

import json
from pathlib import Path

import pytest

from modules.corpus import files
from pipeline.kubeflow.corpus import main


@pytest.fixture
def find_out(tmp_path):
    """Runs it; returns what it put out."""

    def find_out(data: Path) -> str:
        file = "/tmp/kfp/outputs/input_fingerprint"
        given = {
            "inputs": {"parameterValues": {"data": str(data)}},
            "outputs": {"parameters": {"input_fingerprint": {"outputFile": file}}},
        }
        main([json.dumps(given), f"--mounts={tmp_path}"])
        return (tmp_path / file.lstrip("/")).read_text()

    return find_out


def test_it_is_the_fingerprint_that_the_corpus_is_read_under(find_out, tmp_path):
    songs = tmp_path / "songs.txt"
    songs.write_text("春天\n")
    first = find_out(songs)
    assert first == files.fingerprint({"songs.txt": str(songs)})
    songs.write_text("夏天\n")
    assert find_out(songs) != first


def test_a_corpus_that_is_not_there_is_one_line(find_out, tmp_path):
    with pytest.raises(SystemExit, match=r"^Error: no such file: .*none\.zip: give"):
        find_out(tmp_path / "none.zip")
