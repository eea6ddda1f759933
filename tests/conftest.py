"""What all tests share."""

import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from threading import Thread
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


@pytest.fixture(scope="session")
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


class _Quiet(SimpleHTTPRequestHandler):
    """Counts what is asked for, and says nothing of it."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args: Any) -> None:
        """See base class."""


class Web(ThreadingHTTPServer):
    """Serves the files of a folder; `asked` are the paths that were asked for."""

    def __init__(self, folder: Path, handler: type[SimpleHTTPRequestHandler] = _Quiet) -> None:
        super().__init__(("localhost", 0), partial(handler, directory=str(folder)))
        self.asked: list[str] = []
        self.address = f"http://localhost:{self.server_port}"


@pytest.fixture
def web(tmp_path) -> Iterator[Web]:
    """A server of the files in `tmp_path / "web"`."""
    (tmp_path / "web").mkdir()
    with Web(tmp_path / "web") as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A server on this machine that speaks as Amazon's S3 does."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Any]:
    """A server on this machine that has been started; skips where there is none."""
    from mariadb import MariaDb, binary

    if not binary("mariadbd"):
        pytest.skip("no MariaDB server: `make test-mysql` says what to install")
    with TemporaryDirectory(prefix="mariadb-") as directory:  # a socket's path has to be short
        server = MariaDb(Path(directory))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def s3_environment(monkeypatch, tmp_path, s3_endpoint) -> dict[str, str]:
    """What its users set, and nothing of what this machine's own user has set."""
    import s3fs

    environment = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    return environment


@pytest.fixture
def bucket(s3_environment) -> Any:
    """An empty bucket there, as boto3 has it."""
    import boto3

    bucket = boto3.resource("s3", region_name="us-east-1").Bucket(f"songs-{uuid.uuid4().hex}")
    bucket.create()
    return bucket
