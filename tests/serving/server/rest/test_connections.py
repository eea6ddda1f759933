"""Clients that begin a request and do not end it, over real sockets."""

import json
import resource
import socket
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress

import pytest
from waiting import until

from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

SECONDS = 0.5


@contextmanager
def serving(repeater):
    """Yields the port of a server whose requests may take half a second."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    milliseconds = int(SECONDS * 1000)
    options = {"rest_api_port": port, "rest_api_timeout_in_ms": milliseconds}
    with ModelServer(ServerOptions(str(repeater), port=0, **options)):
        yield port


@pytest.fixture(scope="module")
def port(repeater):
    with serving(repeater) as port:
        yield port


def is_answered(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models/lyrics", timeout=20) as answer:
        return "model_version_status" in json.load(answer)


HALF = {
    "nothing": [],
    "a part of the head": [b"GET /v1/models/lyrics HT"],
    "a head in drops": [b"GET /v1/models/lyrics HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 40],
    "a part of the body": [
        b"POST /v1/models/lyrics:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{"
    ],
    "a further request": [
        b"GET /v1/models/lyrics HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/mod",
    ],
}


@pytest.mark.parametrize("parts", HALF.values(), ids=HALF)
def test_a_request_that_does_not_end_is_ended(port, parts):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        start = time.monotonic()
        try:
            for part in parts:
                client.sendall(part)
                time.sleep(SECONDS / 10)
            while client.recv(4096):
                pass
        except OSError:  # cut off while it sends or waits
            pass
        assert SECONDS * 0.5 < time.monotonic() - start < SECONDS * 20
    assert is_answered(port)


def test_connections_leave_files_for_others(repeater, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 40))
    with serving(repeater) as port, ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(30)
        ]
        closed = 0
        for client in clients[20:]:
            with suppress(ConnectionError):
                assert client.recv(1) == b""
            closed += 1
        assert closed == 10
        stack.close()
        until(lambda: is_answered(port))
