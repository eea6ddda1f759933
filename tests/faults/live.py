"""Clients that ask what makes sense, of all signatures, by both doors, and check the answers."""

import http.client
import itertools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import grpc
import numpy as np

from modules import contract
from serving.protocol.protos import predict_pb2, prediction_service_pb2_grpc, types_pb2
from serving.protocol.tensors import to_array, to_proto
from tests.faults.server import Server

Inputs = Mapping[str, list]
Outputs = dict[str, np.ndarray]

_PREFIX = {contract.PREFIX: ["春天", "雪"]}
_OPTIONS = {name: [value] for name, value in contract.OPTIONS.items()}  # REST wants them all
_DRAWN = {contract.TEMPERATURE: [0.8], contract.TOP_K: [5], contract.SEED: [3]}
_SHORT = {contract.NUM_CHARS: [12]}
REQUESTS: list[tuple[str, Inputs]] = [
    (contract.SCORE, {contract.TEXT: ["春天来了花儿开", "雪"]}),
    (contract.SERVING_DEFAULT, _PREFIX),
    (contract.START, _PREFIX),
    (contract.NEXT_CHAR, _PREFIX | {contract.TOP_K: [5]}),
    (contract.GENERATE_BEAM, _PREFIX | {contract.NUM_CHARS: [6], contract.WIDTH: [3]}),
    (contract.GENERATE, _PREFIX | _OPTIONS | _SHORT),
    (contract.GENERATE, {contract.PREFIX: ["春"]} | _OPTIONS | _SHORT | _DRAWN),
]
# A channel of one's own, with a connection of its own; whoever asks is told at once.
CHANNEL = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
SECONDS = 60  # after which a live request counts as lost


def message(signature: str, inputs: Inputs) -> predict_pb2.PredictRequest:
    """A request over gRPC."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = contract.MODEL_NAME, signature
    for name, values in inputs.items():
        array = np.array(values, np.object_ if isinstance(values[0], str) else None)
        dtype = "string" if array.dtype == object else contract.DTYPES.get(name, "float")
        flat = [v.encode() if isinstance(v, str) else v for v in array.ravel().tolist()]
        number = types_pb2.DataType.Value(f"DT_{dtype.upper()}")
        request.inputs[name].CopyFrom(to_proto(flat, number, array.shape))
    return request


def body(signature: str, inputs: Inputs) -> bytes:
    """The same over REST."""
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


class Live:
    """Clients of a server, who know what both of its models answer.

    Attributes:
        asked: how many requests there were.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.asked = 0
        state = {name: _plain(array) for name, array in self._answers(*REQUESTS[2])[1].items()}
        resume = (contract.RESUME, state | _OPTIONS | {contract.NUM_CHARS: [6]})
        self.requests = [*REQUESTS, resume]
        self._expected = {1: self._known()}
        server.swap()
        self._expected[0] = self._known()

    def ask(self, clients: int, each: int, random: Random) -> list[str]:
        """Asks by so many clients at once, so many requests each; says what was wrong."""
        seeds = [random.random() for _ in range(clients)]
        with ThreadPoolExecutor(clients) as pool:
            doors = itertools.cycle([self._over_grpc, self._over_rest])
            asked = [pool.submit(next(doors), each, Random(seed)) for seed in seeds]
            self.asked += clients * each
            return [sentence for client in asked for sentence in client.result()]

    def _known(self) -> list[Outputs]:
        """What the version that is served answers to each request, alone with it."""
        return [self._answers(*request)[1] for request in self.requests]

    def _answers(self, signature: str, inputs: Inputs) -> tuple[int, Outputs]:
        """The version that answers one request, and its outputs."""
        with grpc.insecure_channel(self.server.target, CHANNEL) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            return _read(stub.Predict(message(signature, inputs), timeout=SECONDS))

    def _over_grpc(self, number: int, random: Random) -> list[str]:
        wrong = []
        with grpc.insecure_channel(self.server.target, CHANNEL) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for which in random.choices(range(len(self.requests)), k=number):
                request = self.requests[which]
                try:
                    version, outputs = _read(stub.Predict(message(*request), timeout=SECONDS))
                except grpc.RpcError as error:
                    wrong.append(f"{request[0]} over gRPC: {error.code().name} {error.details()}")
                    continue
                if not _alike(outputs, self._expected[version % 2][which]):
                    wrong.append(f"{request[0]} over gRPC: a wrong answer")
        return wrong

    def _over_rest(self, number: int, random: Random) -> list[str]:
        wrong = []
        connection = http.client.HTTPConnection("127.0.0.1", self.server.rest_port, SECONDS)
        for which in random.choices(range(len(self.requests)), k=number):
            signature, inputs = self.requests[which]
            try:
                answer = post(connection, body(signature, inputs))
            except (OSError, http.client.HTTPException) as error:
                wrong.append(f"{signature} over REST: {type(error).__name__} {error}")
                connection.close()  # the next request opens it again
                continue
            outputs = answer.get("outputs", {})
            if not any(_alike(outputs, known[which]) for known in self._expected.values()):
                wrong.append(f"{signature} over REST: {answer.get('error', 'a wrong answer')}")
        connection.close()
        return wrong


def post(connection: http.client.HTTPConnection, content: bytes) -> dict[str, Any]:
    """What REST answers."""
    connection.request("POST", f"/v1/models/{contract.MODEL_NAME}:predict", content)
    return json.loads(connection.getresponse().read())


def _read(response: predict_pb2.PredictResponse) -> tuple[int, Outputs]:
    outputs = {name: to_array(proto) for name, proto in response.outputs.items()}
    return response.model_spec.version.value, outputs


def _plain(array: np.ndarray) -> list:
    """As JSON has it."""
    if array.dtype == object:
        return np.vectorize(bytes.decode, otypes=[object])(array).tolist()
    return array.tolist()


def _alike(outputs: Mapping[str, Any], expected: Outputs) -> bool:
    """Whether all outputs are there; texts are the same, numbers nearly."""
    if outputs.keys() != expected.keys():
        return False
    for name, array in expected.items():
        found = outputs[name] if isinstance(outputs[name], list) else _plain(outputs[name])
        if array.dtype == object:
            if found != _plain(array):
                return False
        elif not np.allclose(found, array, rtol=1e-3, atol=1e-4):
            return False
    return True
