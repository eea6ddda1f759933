"""What a newcomer meets before there is any Python of the project's own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.fast


@pytest.fixture
def checkout(tmp_path) -> Path:
    """Of what `make` reads, on a path with spaces."""
    directory = tmp_path / "a path with spaces"
    directory.mkdir()
    for name in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / name, directory)
    return directory


@pytest.mark.parametrize("target", ["run", "test", "check"])
def test_without_a_python_that_will_do_one_sentence_says_what_to_install(checkout, target):
    made = subprocess.run(
        ["make", "--no-print-directory", "PYTHON=", target],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert made.returncode != 0
    sentence, *rest = made.stderr.splitlines()
    assert sentence == (
        "tfx-lyrics needs Python 3.11 or 3.10 with its venv module and found neither: install "
        "one, for example with `apt-get install python3.11-venv` or `pyenv install 3.11`."
    )
    assert all(re.match(r"make(\[\d+\])?: \*\*\*", line) for line in rest)
    assert not (checkout / ".venv").exists()


def test_help_names_every_target(checkout):
    made = subprocess.run(["make", "help"], cwd=checkout, capture_output=True, text=True)
    targets = {line.split()[0] for line in made.stdout.splitlines() if not line.startswith("make")}
    assert {
        "run",
        "test",
        "test-fast",
        "test-tfserving",
        "test-faults",
        "test-kubeflow",
        "test-prism",
        "test-mysql",
        "check",
        "clean",
    } <= targets


def test_without_a_cluster_one_sentence_says_what_it_takes(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "installed").touch()
    made = subprocess.run(
        ["make", "--no-print-directory", "test-kubeflow"],
        cwd=checkout,
        capture_output=True,
        text=True,
        env={**os.environ, "KFP_HOST": ""},
    )
    assert made.returncode != 0
    assert made.stderr.startswith("make test-kubeflow needs a cluster with Kubeflow Pipelines: ")
    assert "KFP_HOST" in made.stderr.splitlines()[0]
