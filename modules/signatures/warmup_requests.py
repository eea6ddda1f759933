"""Requests that TF Serving answers when it has loaded a version, before it serves it.

The first request to a signature costs many times what the others do: its graph is optimised then.

Source: TensorFlow Serving's documentation, "SavedModel Warmup".
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from modules import contract
from modules.signatures.requests import INPUTS

PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")  # in the SavedModel


def write_requests(saved_model: str, requests: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Lays requests beside a SavedModel.

    Args:
        saved_model: its directory.
        requests: the signature of each, and its inputs by name; values whose dtype `INPUTS` does
            not know say it themselves.
    """
    path = os.path.join(saved_model, PATH)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs in requests:
            log = PredictionLog(predict_log=PredictLog(request=_request(signature, inputs)))
            writer.write(log.SerializeToString(deterministic=True))


def _request(signature: str, inputs: Mapping[str, Any]) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        dtype = INPUTS[name].dtype if name in INPUTS else None
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype))
    return request
