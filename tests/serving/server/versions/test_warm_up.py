"""Requests that travel with a model are answered while it is loaded."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.server.runtime.loaded_model import LoadedModel
from serving.server.versions.lifecycle import Loading
from serving.server.versions.model_config import single
from serving.server.versions.served_models import Models
from serving.server.versions.warm_up import WARMUP_REQUESTS

LYRICS = ModelSpec(name="lyrics")
SESSION_RUN = PredictionLog(session_run_log={}).SerializeToString()


class Remembering(LoadedModel):
    """Remembers what it was asked."""

    def __init__(self, version: int, path: Path):
        super().__init__(version, path)
        self.asked: list[tuple[str, list[bytes]]] = []

    def predict(self, signature_name, inputs, *args):
        self.asked.append((signature_name, list(inputs["text"].string_val)))
        return super().predict(signature_name, inputs, *args)


def log(text: bytes, signature_name: str = "score") -> bytes:
    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature_name
    request.inputs["text"].CopyFrom(tf.make_tensor_proto([text]))
    return log.SerializeToString()


@pytest.fixture
def write(base_path, push):
    """Gives version 1 these records."""

    def write(*records: bytes) -> None:
        push(version=1, vocab_size=10)
        file = base_path / "1" / WARMUP_REQUESTS
        file.parent.mkdir()
        with tf.io.TFRecordWriter(str(file)) as writer:
            for record in records:
                writer.write(record)

    return write


def served(base_path: Path, **loading) -> Models:
    models = Models(Loading(Remembering, max_num_load_retries=0, **loading))
    models.reload(single("lyrics", str(base_path)))
    return models


@pytest.mark.parametrize(("warm", "asked"), [(True, [b"a", b"b"]), (False, [])])
def test_the_requests_are_answered_in_order(base_path, write, warm, asked):
    write(log(b"a"), b"", log(b"b"))
    told = []
    models = served(base_path, enable_model_warmup=warm, on_warm_up=lambda *args: told.append(args))
    with models.use(LYRICS) as model:
        assert model.asked == [("score", [text]) for text in asked]
    assert [path for path, seconds in told if seconds > 0] == [base_path / "1"] * warm
    models.close()


def test_each_request_may_be_answered_several_times(base_path, write):
    write(log(b"a"), log(b"b"))
    models = served(base_path, num_request_iterations_for_warmup=2)
    with models.use(LYRICS) as model:
        assert [text for _, (text,) in model.asked] == [b"a", b"a", b"b", b"b"]
    models.close()


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([b"no log"], "Failed to parse warmup record: b'no log' from "),
        ([SESSION_RUN], "Unsupported log_type for warmup: 5"),
        ([log(b"a", "sing")], 'Serving signature key "sing" not found.'),
        ([log(b"a")] * 1001, r"Number of warmup records exceeds the maximum \(1000\) at "),
    ],
)
def test_a_version_that_cannot_answer_them_is_not_served(base_path, write, records, message):
    write(*records)
    with pytest.raises(tf.errors.UnknownError, match=message):
        served(base_path)
