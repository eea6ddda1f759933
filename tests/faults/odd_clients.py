"""Odd clients of a server: each does one thing that it has to survive, or refuse in a sentence.

Each returns what was wrong with the answer that it got.
"""

import http.client
import json
import socket
import struct
import time
from contextlib import suppress
from random import Random

import grpc

from modules import contract
from serving.protocol.protos import prediction_service_pb2_grpc
from tests.faults.live import CHANNEL, REQUESTS, SECONDS, body, message, post
from tests.faults.server import TIMEOUT, Server

_PREDICT = f"POST /v1/models/{contract.MODEL_NAME}:predict HTTP/1.1\r\nHost: a\r\n"
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# Some tenths of a second of work.
LONG = (
    contract.GENERATE,
    {name: [value] for name, value in contract.OPTIONS.items()}
    | {contract.PREFIX: ["春"] * 8, contract.NUM_CHARS: [100]},
)
_REFUSED = ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED")


def half_open(server: Server, random: Random) -> list[str]:
    """Begins a request, on either port, and waits; REST has to hang up."""
    port = random.choice(server.ports)
    begun = f"{_PREDICT}Content-Length: 999\r\n\r\n{{".encode()
    whole = begun if port == server.rest_port else _HTTP2 + _SETTINGS
    with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
        client.sendall(whole[: random.randint(0, len(whole))])
        if port != server.rest_port:
            time.sleep(random.uniform(0, TIMEOUT))
            return []
        try:
            while client.recv(4096):
                pass
        except TimeoutError:
            return ["a half-open REST connection stayed open"]
        except ConnectionError:
            pass
    return []


def slow_reader(server: Server, random: Random) -> list[str]:
    """Reads its answer in drops, and then the rest of it, or nothing more."""
    large = {contract.PREFIX: ["春天来了"] * 200, contract.TOP_K: [20]}
    content = body(contract.NEXT_CHAR, large)
    head = f"{_PREDICT}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(SECONDS)
        client.connect(("127.0.0.1", server.rest_port))
        client.sendall(head + content)
        read = b""
        for _ in range(random.randint(1, 20)):
            read += client.recv(100)
            time.sleep(0.05)
        if random.random() < 0.5:
            return []
        while piece := client.recv(65536):
            read += piece
    answer = read.partition(b"\r\n\r\n")[2]
    with suppress(ValueError, KeyError):
        if len(json.loads(answer)["outputs"]["candidates"]) == 200:
            return []
    return [f"a slow reader read {answer[:60]!r}"]


def random_bytes(server: Server, random: Random) -> list[str]:
    """Sends bytes, after what may be the beginning of a request, and hangs up."""
    port = random.choice(server.ports)
    begin = random.choice([b"", b"", _HTTP2, _HTTP2 + _SETTINGS, _PREDICT.encode(), b"GET /"])
    with (
        suppress(ConnectionError, TimeoutError),
        socket.create_connection(("127.0.0.1", port), TIMEOUT) as client,
    ):
        client.sendall(begin + random.randbytes(random.randint(1, 5_000)))
        client.recv(4096)
    return []


def cancelled(server: Server, random: Random) -> list[str]:
    """Asks for a long text, and goes before it comes."""
    if random.random() < 0.5:
        with grpc.insecure_channel(server.target, CHANNEL) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            call = stub.Predict.future(message(*LONG), timeout=SECONDS)
            time.sleep(random.uniform(0, 0.3))
            call.cancel()
        return []
    content = body(*LONG)
    with socket.create_connection(("127.0.0.1", server.rest_port), SECONDS) as client:
        client.sendall(f"{_PREDICT}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        time.sleep(random.uniform(0, 0.3))
        if random.random() < 0.5:  # by a reset, as of a process that was killed
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return []


def expired(server: Server, random: Random) -> list[str]:
    """Asks with hardly any time."""
    with grpc.insecure_channel(server.target, CHANNEL) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            stub.Predict(message(*LONG), timeout=random.uniform(0.001, 0.3))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                return [f"an expired request ended with {error.code().name} {error.details()}"]
    return []


def bad_request(server: Server, random: Random) -> list[str]:
    """Asks what makes no sense, or too much; it is refused, and in a sentence."""
    signature, inputs = random.choice(REQUESTS)
    inputs = dict(inputs)
    name = random.choice(sorted(inputs))
    wrong = random.choice(["name", "signature", "missing", "empty", "large", "dtype"])
    if wrong == "name":
        inputs["no"] = inputs.pop(name)
    elif wrong == "signature":
        signature = "no"
    elif wrong == "missing":
        del inputs[sorted(inputs.keys() & {contract.PREFIX, contract.TEXT})[0]]
    elif wrong == "empty":
        inputs[sorted(inputs.keys() & {contract.PREFIX, contract.TEXT})[0]] = [""]
    elif wrong == "large":
        inputs[sorted(inputs.keys() & {contract.PREFIX, contract.TEXT})[0]] = ["春" * 11_000] * 20
    else:
        inputs[name] = [[[1.5]]]
    if random.random() < 0.5 or wrong == "dtype":
        connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=SECONDS)
        answer = post(connection, body(signature, inputs))
        connection.close()
        refused = isinstance(answer.get("error"), str) and "Traceback" not in answer["error"]
        return [] if refused else [f"{wrong}: REST answered {str(answer)[:80]}"]
    with grpc.insecure_channel(server.target, CHANNEL) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            stub.Predict(message(signature, inputs), timeout=SECONDS)
        except grpc.RpcError as error:
            if error.code().name in _REFUSED and error.details():
                return []
            return [f"{wrong}: {error.code().name} {error.details()}"]
    return [f"{wrong}: {signature} was answered"]


ODD_CLIENTS = {
    "slow readers": slow_reader,
    "half-open connections": half_open,
    "random bytes on both ports": random_bytes,
    "cancelled requests": cancelled,
    "expired requests": expired,
    "bad requests": bad_request,
}
