"""One process at a time, real ones."""

import os
import re
import signal
import subprocess
import sys

import pytest

from modules.errors import ConfigError
from pipeline.root.lock import held

pytestmark = pytest.mark.fast


@pytest.fixture
def holder(tmp_path):
    """Another process, which holds the root until it is killed."""
    code = (
        "import sys, time\n"
        "from pipeline.root.lock import held\n"
        "with held(sys.argv[1]):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "root")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_who_holds_the_root_is_told_and_the_lock_is_gone_with_the_process(holder, tmp_path):
    root = str(tmp_path / "root")
    with pytest.raises(ConfigError) as error, held(root):
        pass
    assert re.fullmatch(
        rf"root='{root}' is held by process {holder.pid} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d: "
        "wait until that has ended, as wait does, or give another directory",
        str(error.value),
    )
    holder.send_signal(signal.SIGKILL)
    with held(root, wait=True), held(root):  # the same process may hold it twice
        assert str(os.getpid()) in (tmp_path / "root" / ".holder").read_text()


def test_a_root_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be written \(Not a directory\): give a dir"):
        held(str(tmp_path / "file" / "root")).__enter__()
    read_only = "/proc/root"  # not even by its owner
    with pytest.raises(ConfigError, match=r"'/proc/root' cannot be written"):
        held(read_only).__enter__()
