"""One run of the whole pipeline, from which all tests in this folder go on, on one worker."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main

# What the configuration does not have from its preset.
NAMES = (
    *("data", "root", "embedding_size", "learning_rate"),
    *("num_hiddens", "num_epochs", "patience"),
)


@pytest.fixture(scope="session")
def options(config) -> Callable[..., list[str]]:
    """Makes what `lyrics run` is to be told for the configuration, with some changes."""

    def options(**changes) -> list[str]:
        values = {name: config.option(name) for name in NAMES} | changes
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]
        return ["--preset=smoke", *flags]

    return options


@pytest.fixture(scope="session")
def lyrics() -> Callable[..., subprocess.CompletedProcess]:
    """The command as its user meets it: in a process of its own."""

    def lyrics(*arguments: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run(
            [Path(sys.executable).with_name("lyrics"), *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )

    return lyrics


@pytest.fixture(scope="session")
def lyrics_here() -> Callable[..., Result]:
    """The command in this process, where TFX is imported already."""
    return lambda *arguments: CliRunner().invoke(main, [*arguments])


@pytest.fixture(scope="session")
def go_back(config, options, lyrics) -> Callable[[], subprocess.CompletedProcess]:
    """Makes the directory, data and all, what the whole run left; returns how that ended."""
    directory = Path(config.root).parent
    kept = directory.with_name(f"{directory.name} kept")
    ran = lyrics("run", *options(), "--prefix", "春天", "--json")
    assert ran.returncode == 0, ran.stderr
    directory.rename(kept)

    def go_back() -> subprocess.CompletedProcess:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(kept, directory)
        return ran

    return go_back


@pytest.fixture
def ran(go_back) -> subprocess.CompletedProcess:
    """How the whole run ended, from where the test goes on."""
    return go_back()
