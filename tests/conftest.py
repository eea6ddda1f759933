"""What all tests share."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("unhurried", deadline=None)  # a busy machine is no mistake
settings.load_profile("unhurried")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m fast`, leaves unread what holds no such test: importing TensorFlow takes long."""
    if not config.option.markexpr.startswith("fast"):
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return all("pytest.mark.fast" not in file.read_text("utf-8") for file in files) or None


class _Together(LoadScopeScheduling):
    """Keeps the tests of a file on one worker, and those of all files in a folder `one_run`."""

    def _split_scope(self, nodeid: str) -> str:
        """See base class."""
        file = PurePath(nodeid.partition("::")[0])
        return str(file.parent if file.parent.name == "one_run" else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Together | None:
    """With `--dist loadscope`, see `_Together`."""
    return _Together(config, log) if config.option.dist == "loadscope" else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Holds the fast tests to their word."""
    if session.config.option.markexpr.startswith("fast") and "tensorflow" in sys.modules:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\na test marked fast imports TensorFlow: mend the import, or the mark")


@pytest.fixture
def shared_data() -> Path:
    """The real corpora, which are not part of this project; skips where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real corpora at {SHARED_DATA.name}: they are not part of this project")
    return SHARED_DATA


@pytest.fixture(scope="session")
def pack() -> Callable[[Path, dict[str, str | bytes]], Path]:
    """Writes members, name to content, as a zip: of the same members, the same bytes."""

    def pack(path: Path, members: dict[str, str | bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return path

    return pack
