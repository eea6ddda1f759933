"""Requests of the served model, as the client makes them. No TensorFlow here."""

from collections.abc import Callable

import grpc

from benchmarks.writing import PREFIX, Writing
from modules import contract
from serving.protocol import calls
from serving.protocol.protos import predict_pb2, prediction_service_pb2_grpc
from serving.protocol.proxies import proxy_options

Predict = Callable[[predict_pb2.PredictRequest], predict_pb2.PredictResponse]


def call_of(task: Writing) -> calls.Call[list[str]]:
    """`generate` of a row for each prefix: the likeliest characters."""
    return calls.generate([PREFIX] * task.batch_size, task.xla, num_chars=task.num_chars)


def request_of(task: Writing) -> predict_pb2.PredictRequest:
    """The same as a message."""
    call = call_of(task)
    request = predict_pb2.PredictRequest(inputs=call.inputs)
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = call.signature_name
    return request


def connect(target: str) -> Predict:
    """Predict, over a connection of its own, which is there."""
    own = [("grpc.use_local_subchannel_pool", 1)]  # else channels share a connection
    channel = grpc.insecure_channel(target, own + proxy_options(target))
    grpc.channel_ready_future(channel).result(timeout=60)
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
