"""The image's health check: asks the server that a container was started with, if it was.

`health.py [FILE]` reads the command line in FILE, by default that of process 1. It ends with 0
where that is no `lyrics serve`: a step or a worker is well as long as it runs.
"""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from pipeline.cli import main as lyrics

_SECONDS = 5.0  # for an answer


def is_healthy(command: list[str]) -> bool:
    """Whether what was started by a command line, such as `python lyrics serve`, is well."""
    names = [Path(word).name for word in command]
    words = command[names.index("lyrics") + 1 :] if "lyrics" in names else []
    if words[:1] != ["serve"]:
        return True
    return _serves(lyrics.commands["serve"].make_context("serve", words[1:]).params)


def _serves(options: Mapping[str, Any]) -> bool:
    """Whether a server says that every model can answer."""
    address = ("localhost", options["port"])
    try:
        if options["ssl_config_file"]:  # it may ask for a certificate that is not here
            with socket.create_connection(address, _SECONDS):
                return True
        with grpc.insecure_channel("{}:{}".format(*address)) as channel:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=_SECONDS)
        return answer.status == HealthCheckResponse.SERVING
    except (OSError, grpc.RpcError):
        return False


if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "/proc/1/cmdline")
    sys.exit(not is_healthy(file.read_text("utf-8").rstrip("\0").split("\0")))
