"""The gRPC services, asked with the generated stubs: what any client of TF Serving sees."""

import socket

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from modules.errors import ServingError
from serving.server.flags import ServerOptions
from serving.server.runtime.loaded_model import LoadedModel
from serving.server.server import ModelServer

GENERATE_INPUTS = {
    "prefix": (["ab", "c"], tf.string),
    "num_chars": ([2, 0], tf.int32),
    "temperature": ([0.0, 0.0], tf.float32),
    "top_k": ([0, 0], tf.int32),
    "seed": ([0, 0], tf.int64),
}


@pytest.fixture
def predictions(server):
    with grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture
def models(server):
    with grpc.insecure_channel(server.target) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel)


def predict_request(signature_name="score", inputs=None, name="lyrics", **fields):
    request = predict_pb2.PredictRequest(**fields)
    request.model_spec.name = name
    request.model_spec.signature_name = signature_name
    inputs = {"text": (["abc"], tf.string)} if inputs is None else inputs
    for alias, (values, dtype) in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(values, dtype))
    return request


def test_predict_answers_in_typed_fields(predictions):
    response = predictions.Predict(predict_request(), timeout=20)
    assert set(response.outputs) == {"nats", "characters", "perplexity"}
    characters = response.outputs["characters"]
    assert characters.dtype == types_pb2.DT_INT64
    assert [dim.size for dim in characters.tensor_shape.dim] == [1]
    assert list(characters.int64_val) == [3]
    assert list(response.outputs["perplexity"].float_val) == pytest.approx([10], rel=1e-5)


def test_predict_says_what_answered(predictions):
    spec = predictions.Predict(predict_request(), timeout=20).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("lyrics", 1, "score")


def test_every_row_has_its_own_parameters(predictions):
    response = predictions.Predict(predict_request("generate", GENERATE_INPUTS), timeout=20)
    assert list(response.outputs["text"].string_val) == [b"abbb", b"c"]


def test_output_filter(predictions):
    response = predictions.Predict(predict_request(output_filter=["nats"]), timeout=20)
    assert set(response.outputs) == {"nats"}


def test_metadata_lists_the_signatures(predictions):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "lyrics"
    response = predictions.GetModelMetadata(request, timeout=20)
    assert (response.model_spec.name, response.model_spec.version.value) == ("lyrics", 1)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["generate"].inputs) == set(GENERATE_INPUTS)
    assert signatures.signature_def["score"].outputs["nats"].dtype == types_pb2.DT_FLOAT


def test_status(models):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "lyrics"
    (status,) = models.GetModelStatus(request, timeout=20).model_version_status
    assert (status.version, status.state) == (1, status.AVAILABLE)
    assert (status.status.error_code, status.status.error_message) == (0, "")


def test_a_taken_port_is_an_error(base_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = ModelServer(ServerOptions(str(base_path), port=port))
        with pytest.raises(ServingError, match=rf"cannot listen on 127\.0\.0\.1:{port}: stop "):
            server.start()


def test_two_servers_do_not_share_a_port(server, base_path):
    with pytest.raises(ServingError, match="cannot listen on"):
        ModelServer(ServerOptions(str(base_path), port=server.port)).start()


def test_a_missing_base_path_is_an_error(tmp_path):
    with pytest.raises(ServingError, match=r"model_base_path='.*pushed' is no directory: give"):
        ModelServer(ServerOptions(str(tmp_path / "pushed")))


def test_an_input_with_a_default_may_be_left_out(saved_model):
    model = LoadedModel(1, saved_model(10))
    defaults = model.signatures["score"].defaults
    defaults["text"].CopyFrom(tf.make_tensor_proto(["ab", "c"]))
    assert list(model.predict("score", {})["characters"].int64_val) == [2, 1]
    model.close()
