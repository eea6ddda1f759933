"""Requests that travel with a model, and are answered before anybody else's.

The first request of each kind takes longer, since TensorFlow prepares itself for it: these are
the first. They lie in `<version>/assets.extra/tf_serving_warmup_requests`, a TFRecord file of
PredictionLogs.

Source: TF Serving, servables/tensorflow/saved_model_warmup_util.cc.
"""

import logging
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.server.refusals import invalid_argument
from serving.server.runtime.loaded_model import LoadedModel, signature_name

WARMUP_REQUESTS = "assets.extra/tf_serving_warmup_requests"
MOST_RECORDS = 1000

_logger = logging.getLogger(__name__)


def warm_up(model: LoadedModel, path: Path, times: int) -> int:
    """Answers the requests that travel with a model, if there are any.

    Args:
        model: answers them.
        path: its directory.
        times: how often it answers each.

    Returns:
        How many there were.

    Raises:
        tf.errors.InvalidArgumentError: if there are too many, or something else.
        tf.errors.OpError: whatever the model refuses.
    """
    file = path / WARMUP_REQUESTS
    if not file.exists():
        return 0
    number = 0
    for number, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator(), 1):
        if number > MOST_RECORDS:
            raise invalid_argument(
                f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at {file}"
            )
        log = _parsed(record, file)
        for _ in range(times):
            _answer(model, log)
    _logger.info("answered %d warm-up requests of version %d", number, model.version)
    return number


def _parsed(record: bytes, file: Path) -> PredictionLog:
    try:
        return PredictionLog.FromString(record)
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record: {record!r} from {file}") from error


def _answer(model: LoadedModel, log: PredictionLog) -> None:
    """Predicts; what else a log may hold, no model of this project answers."""
    kind = log.WhichOneof("log_type")
    if kind is None:
        return
    if kind != "predict_log":
        number = PredictionLog.DESCRIPTOR.fields_by_name[kind].number
        raise tf.errors.UnimplementedError(None, None, f"Unsupported log_type for warmup: {number}")
    request = log.predict_log.request
    name = signature_name(request.model_spec)
    model.predict(name, request.inputs, list(request.output_filter))
