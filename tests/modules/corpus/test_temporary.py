import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from modules.corpus import temporary
from modules.corpus.temporary import TemporaryFolder, sweep

pytestmark = pytest.mark.fast

HOLDER = """
from modules.corpus.temporary import TemporaryFolder
folder = TemporaryFolder()
print(folder.path, flush=True)
input()
"""


@pytest.fixture
def directory(tmp_path, monkeypatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_when_it_is_closed(directory):
    folder = TemporaryFolder()
    (Path(folder.path) / "copy").touch()
    folder.close()
    assert os.listdir(directory) == []


def test_what_a_killed_process_left_goes_and_what_one_holds_stays(directory, monkeypatch):
    environment = os.environ | {"TMPDIR": str(directory)}
    command = [sys.executable, "-c", HOLDER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        folder = Path(process.stdout.readline().strip())
        (folder / "copy").touch()
        monkeypatch.setattr(temporary, "_YOUNG", 0)
        sweep()
        assert (folder / "copy").exists()
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    monkeypatch.setattr(temporary, "_YOUNG", 60)
    sweep()
    assert folder.exists()  # as if it had just been made
    monkeypatch.setattr(temporary, "_YOUNG", 0)
    sweep()
    assert os.listdir(directory) == []


def test_links_and_files_of_such_a_name_are_left_alone(directory, monkeypatch):
    monkeypatch.setattr(temporary, "_YOUNG", 0)
    (directory / "songs").mkdir()
    (directory / "tfx-lyrics-link").symlink_to("songs")
    (directory / "tfx-lyrics-file").touch()
    sweep()
    assert sorted(os.listdir(directory)) == ["songs", "tfx-lyrics-file", "tfx-lyrics-link"]
