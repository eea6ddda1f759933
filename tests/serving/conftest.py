"""Servers and what they serve. TensorFlow is imported where it is needed: fast tests need none."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions

if TYPE_CHECKING:
    from serving.server.server import ModelServer


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory) -> Callable[[int], Path]:
    """A SavedModel with that many characters: its perplexity is that number."""
    from .uniform_model import save

    saved: dict[int, Path] = {}

    def save_once(vocab_size: int) -> Path:
        if vocab_size not in saved:
            saved[vocab_size] = save(vocab_size, tmp_path_factory.mktemp(f"uniform_{vocab_size}"))
        return saved[vocab_size]

    return save_once


@pytest.fixture(scope="session")
def repeater(tmp_path_factory) -> Path:
    """Base path of a `Repeater`, version 1."""
    from .repeater import save

    base_path = tmp_path_factory.mktemp("repeater")
    save(base_path / "1")
    return base_path


@pytest.fixture
def push(saved_model, base_path) -> Callable[..., None]:
    """Puts a version below the base path, complete at once."""

    def copy(version: int, vocab_size: int) -> None:
        hidden = base_path / f"copying-{version}"
        shutil.copytree(saved_model(vocab_size), hidden)
        hidden.rename(base_path / str(version))

    return copy


@pytest.fixture
def base_path(tmp_path) -> Path:
    """Where versions go; what is in there already is none."""
    directory = tmp_path / "lyrics"
    (directory / "notes").mkdir(parents=True)
    (directory / "7").write_text("a file is no version")
    return directory


@pytest.fixture
def server(base_path, push) -> "Iterator[ModelServer]":
    """Serves version 1, of perplexity 10."""
    from serving.server.server import ModelServer

    push(version=1, vocab_size=10)
    with ModelServer(
        ServerOptions(str(base_path), port=0, file_system_poll_wait_seconds=0.05)
    ) as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[LyricsClient]:
    with LyricsClient(server.target, timeout=20) as client:
        yield client


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def language_model(tmp_path_factory) -> Path:
    """Where a real model was saved."""
    from .untrained_model import save

    return save(tmp_path_factory.mktemp("language_model"))


@pytest.fixture(scope="session")
def lyrics_base_path(language_model, tmp_path_factory) -> Path:
    """Where its versions go; it is version 1."""
    base_path = tmp_path_factory.mktemp("lyrics")
    shutil.copytree(language_model, base_path / "1")
    return base_path


@pytest.fixture(scope="session")
def lyrics_target(lyrics_base_path) -> Iterator[str]:
    """Of a server of the newest of them, one for all tests: what is asked first takes seconds."""
    from serving.server.server import ModelServer

    options = ServerOptions(str(lyrics_base_path), port=0, file_system_poll_wait_seconds=0.05)
    with ModelServer(options) as server:
        with LyricsClient(server.target) as client:
            client.wait_until_ready()
        yield server.target
