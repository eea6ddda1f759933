"""What `--metadata` may be, and how a server is told of that does not let a run in."""

import os
import socket
from contextlib import closing
from threading import Thread

import pytest

from modules.errors import ConfigError, StorageError
from pipeline.root.server import PASSWORD, MetadataOptions, Server, logged_in

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("mysql://team@db/lyrics", Server("db", 3306, "lyrics", "team")),
        ("mysql://team:a@db:33/lyrics", Server("db", 33, "lyrics", "team", "a")),
        ("mysql://team:@db/lyrics", Server("db", 3306, "lyrics", "team", "")),
        ("MySQL://t%40m:a%2Fb%3A%25@[::1]:33/%E8%AF%8D", Server("::1", 33, "词", "t@m", "a/b:%")),
        ("mysql://team:a@b:c@db/lyrics", Server("db", 3306, "lyrics", "team", "a@b:c")),
    ],
)
def test_an_address_is_read(url, server):
    read = MetadataOptions(url).server()
    assert read == server
    again = MetadataOptions(str(read)).server()
    assert (again.host, again.port, again.database, again.user) == (
        *(server.host, server.port, server.database, server.user),
    )
    assert again.password is None


def test_without_one_there_is_no_server():
    assert MetadataOptions().server() is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "does not begin with mysql://"),
        ("metadata.sqlite", "does not begin with mysql://"),
        ("postgres://team:secret@db/lyrics", "does not begin with mysql://"),
        ("mysql://db/lyrics", "names no user"),
        ("mysql://:secret@db/lyrics", "names no user"),
        ("mysql://team:secret@/lyrics", "names no host"),
        ("mysql://team:secret@db", "names no database, or more than one"),
        ("mysql://team:secret@db/", "names no database, or more than one"),
        ("mysql://team:secret@db/a/b", "names no database, or more than one"),
        ("mysql://team:a@secret/b@db", "names no database, or more than one"),
        ("mysql://team:secret@db/lyrics?ssl=1", "has more than a database after its host"),
        ("mysql://team:secret@db:0/lyrics", "has no number from 1 to 65535 for a port"),
        ("mysql://team:secret@db:x/lyrics", "has no host, or no number from 1 to 65535"),
        ("mysql://team:secret@db:65536/lyrics", "has no host, or no number from 1 to 65535"),
        ("mysql://team:sec/ret@db/lyrics", "has no host, or no number from 1 to 65535"),
        ("mysql://team:sec?ret@db/lyrics", "has no host, or no number from 1 to 65535"),
        ("mysql://team:sec[ret@db/lyrics", "has no host, or no number from 1 to 65535"),
        ("mysql://team:secret%FF@db/lyrics", "has percent-encoding that is no UTF-8"),
    ],
)
def test_what_is_no_address_is_refused_and_never_shown(url, said):
    with pytest.raises(ConfigError) as refused:
        MetadataOptions(url)
    sentence = str(refused.value)
    assert sentence.startswith(f"metadata {said}")
    assert "give mysql://USER[:PASSWORD]@HOST[:PORT]/DATABASE, with percent-encoding" in sentence
    assert "sec" not in sentence
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_password_is_not_shown_with_a_server_or_the_options():
    options = MetadataOptions("mysql://team:secret@db/lyrics")
    assert "secret" not in f"{options} {options!r} {options.server()} {options.server()!r}"


def test_the_password_is_in_the_environment_while_it_is_needed(monkeypatch):
    monkeypatch.setattr(Server, "check", lambda server: None)
    given = Server("db", 1, "lyrics", "team", "given")
    for before in ("before", None):
        monkeypatch.delenv(PASSWORD, raising=False)
        if before:
            monkeypatch.setenv(PASSWORD, before)
        with logged_in(given):
            assert os.environ[PASSWORD] == "given"
        assert os.environ.get(PASSWORD) == before
        for none_given in (None, Server("db", 1, "lyrics", "team")):
            with logged_in(none_given):
                assert os.environ.get(PASSWORD) == before


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def refusal(port: int) -> str:
    with pytest.raises(StorageError) as refused:
        Server("localhost", port, "lyrics", "team", "secret").check()
    sentence = str(refused.value)
    assert sentence.startswith(f"metadata='mysql://team@localhost:{port}/lyrics' cannot be used (")
    assert "secret" not in sentence
    assert len(sentence.splitlines()) == 1
    return sentence


def test_nobody_listens(listener):
    port = listener.getsockname()[1]
    listener.close()
    assert "Connection refused" in refusal(port)
    assert refusal(port).endswith("): start the server, or check host and port")


def test_nobody_answers(listener, monkeypatch):
    monkeypatch.setattr("pipeline.root.server._SECONDS", 0.1)
    said = refusal(listener.getsockname()[1])
    assert said.endswith("): start the server, or check host and port")


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 400 Bad\r\n\r\n"])
def test_it_is_another_kind_of_server(listener, greeting, monkeypatch):
    monkeypatch.setattr("pipeline.root.server._SECONDS", 0.1)

    def greet():
        with closing(listener.accept()[0]) as connection:
            connection.sendall(greeting)

    greeter = Thread(target=greet)
    greeter.start()
    refusal(listener.getsockname()[1])
    greeter.join()
