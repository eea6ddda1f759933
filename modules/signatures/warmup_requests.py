"""Requests that TF Serving answers when it has loaded a version, before it serves it.

The first request to a signature costs many times what the others do: its graph is optimised then.

Source: TensorFlow Serving's documentation, "SavedModel Warmup".
"""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from modules import contract

PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")  # in the SavedModel

Request = tuple[str, Mapping[str, Any]]  # a signature, and its inputs by name

_TEXT = "分开"  # the book's prefix
_SCORE: Request = (contract.SCORE, {contract.TEXT: [_TEXT]})


def of_language_model(start: Callable[..., Mapping[str, tf.Tensor]]) -> list[Request]:
    """For all that a language model answers; what is written goes through every loop.

    Args:
        start: the signature, which makes the state that `resume` takes.
    """
    prefix = {contract.PREFIX: [_TEXT]}
    state = {name: value.numpy() for name, value in start(prefix=tf.constant([_TEXT])).items()}
    requests: list[Request] = [
        _SCORE,
        (contract.SERVING_DEFAULT, prefix),
        (contract.START, prefix),
        (contract.NEXT_CHAR, prefix | {contract.TOP_K: [contract.DEFAULT_CANDIDATES]}),
        (contract.GENERATE_BEAM, prefix | _row(contract.BEAM_OPTIONS)),
    ]
    for changes in ({}, {contract.TEMPERATURE: 0.8}, {contract.STOP: "\n"}):
        options = _row(contract.OPTIONS | changes)
        requests += [(contract.GENERATE, prefix | options), (contract.RESUME, state | options)]
    return requests


def of_fill_model() -> list[Request]:
    """For all that a fill-in model answers."""
    inputs = {contract.TEXT: [contract.blank_out(_TEXT)], contract.TOP_K: [1]}
    return [_SCORE, (contract.FILL, inputs), (contract.SERVING_DEFAULT, inputs)]


def write(saved_model: str, requests: Iterable[Request]) -> None:
    """Lays requests beside the SavedModel in a directory.

    Values whose dtype the contract does not know say it themselves.
    """
    path = os.path.join(saved_model, PATH)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        for request in requests:
            log = PredictionLog(predict_log=PredictLog(request=_message(*request)))
            writer.write(log.SerializeToString(deterministic=True))


def _row(options: Mapping[str, Any]) -> dict[str, list]:
    return {name: [value] for name, value in options.items()}


def _message(signature: str, inputs: Mapping[str, Any]) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value, contract.DTYPES.get(name)))
    return request
