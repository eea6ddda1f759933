"""Both clients where the environment names a proxy."""

import os
import socket
import subprocess
import sys

from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy")
_ASK = """
import asyncio, sys
from serving.client import AsyncLyricsClient, LyricsClient

async def ask(target):
    async with AsyncLyricsClient(target, timeout=20) as client:
        return await client.generate(["a"], num_chars=1)

for target in sys.argv[1:]:
    with LyricsClient(target, timeout=20) as client:
        print(*client.generate(["a"], num_chars=1), *asyncio.run(ask(target)))
"""


def asking(proxy: str, *targets: str) -> subprocess.Popen:
    """Asks for a character after a, with each client, in an environment of proxies."""
    spelt = [name for variable in _VARIABLES for name in (variable, variable.upper())]
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    return subprocess.Popen(
        [sys.executable, "-c", _ASK, *targets],
        env=environment | dict.fromkeys(spelt, f"http://{proxy}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_proxy_does_not_stand_before_this_machine(base_path, push, nowhere, tmp_path):
    push(version=1, vocab_size=10)
    path = tmp_path / "socket"
    with ModelServer(ServerOptions(str(base_path), port=0, grpc_socket_path=str(path))) as server:
        targets = (f"localhost:{server.port}", f"127.0.0.1:{server.port}", f"unix:{path}")
        output, errors = asking(nowhere, *targets).communicate(timeout=60)
    assert (output, errors[-500:]) == ("aa aa\n" * 3, "")


def test_but_before_others():
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(60)
        process = asking(f"127.0.0.1:{proxy.getsockname()[1]}", "lyrics.example:8500")
        connection, _ = proxy.accept()
        with connection:
            assert connection.recv(99).startswith(b"CONNECT lyrics.example:8500 ")
        process.kill()
        process.communicate()
