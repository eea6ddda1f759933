"""Whatever the fields of a request hold: no INTERNAL, no UNKNOWN, and the server goes on."""

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

INT64 = st.integers(-(2**63), 2**63 - 1)
SIZES = st.integers(0, 4) | st.sampled_from([-1, 2**20 + 1, 2**40, 2**62])
TEXTS = st.sampled_from(["a", "春夏", "春" * 300, "", "\n", "\0", "a\u200d🎶"]) | st.text(
    max_size=9
)
BYTES = TEXTS.map(str.encode) | st.binary(max_size=9)
VALUES = {  # by dtype: the field, and what may be in it
    types_pb2.DT_STRING: ("string_val", BYTES),
    types_pb2.DT_INT32: ("int_val", st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 60)),
    types_pb2.DT_INT64: ("int64_val", INT64),
    types_pb2.DT_FLOAT: ("float_val", st.floats(width=32)),
    types_pb2.DT_DOUBLE: ("double_val", st.floats()),
    types_pb2.DT_BOOL: ("bool_val", st.booleans()),
}
FUZZ = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def channel(lyrics_target) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(lyrics_target) as channel:
        yield channel


@pytest.fixture(scope="module")
def predictions(channel) -> prediction_service_pb2_grpc.PredictionServiceStub:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel) -> model_service_pb2_grpc.ModelServiceStub:
    return model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture(scope="module")
def signatures(predictions) -> dict:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "lyrics"
    found = get_model_metadata_pb2.SignatureDefMap()
    assert predictions.GetModelMetadata(request).metadata["signature_def"].Unpack(found)
    return dict(found.signature_def)


@pytest.fixture
def still_there(lyrics_target) -> Iterator[None]:
    """Asserts in the end that the server answers as if nothing had happened."""
    yield
    with LyricsClient(lyrics_target) as client:
        (score,) = client.score(["春夏"])
    assert score.characters == 2


@st.composite
def specs(draw) -> model_pb2.ModelSpec:
    """Mostly of the model that is served."""
    spec = model_pb2.ModelSpec(name=draw(st.sampled_from(["lyrics"] * 9 + ["", "poems"])))
    spec.signature_name = draw(st.sampled_from(["generate", "score", "evaluate", ""]) | TEXTS)
    choice = draw(st.sampled_from([None] * 6 + ["version", "label"]))
    if choice == "version":
        spec.version.value = draw(st.just(1) | INT64)
    elif choice == "label":
        spec.version_label = draw(TEXTS)
    return spec


@st.composite
def tensors(draw) -> tensor_pb2.TensorProto:
    """Of any dtype and shape, whose values may fit them or not."""
    proto = tensor_pb2.TensorProto(dtype=draw(st.sampled_from([*VALUES, *range(0, 30), 101, 999])))
    for size in draw(st.lists(SIZES, max_size=3)):
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_shape.unknown_rank = draw(st.sampled_from([False] * 9 + [True]))
    if draw(st.booleans()):
        field, values = VALUES[draw(st.sampled_from([*VALUES]))]
        getattr(proto, field).extend(draw(st.lists(values, max_size=4)))
    if draw(st.sampled_from([False] * 4 + [True])):
        proto.tensor_content = draw(st.binary(max_size=16))
    return proto


@st.composite
def fitting(draw, dtype: int, rows: int) -> tensor_pb2.TensorProto:
    """Of the dtype and shape that the signature has; the values may be anything."""
    proto = tensor_pb2.TensorProto(dtype=dtype)
    proto.tensor_shape.dim.add(size=rows)
    field, values = VALUES[dtype]
    getattr(proto, field).extend(draw(st.lists(values, min_size=rows, max_size=rows)))
    return proto


def ask(method, request) -> grpc.StatusCode | None:
    """How the server refuses, if it does."""
    refusal = None
    try:
        method(request, timeout=60)
    except grpc.RpcError as error:
        refusal = error
    if refusal is None:
        return None
    assert refusal.code().name not in ("INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED"), refusal
    assert refusal.details()
    return refusal.code()


@FUZZ
@given(
    spec=specs(),
    inputs=st.dictionaries(
        st.sampled_from(["prefix", "text", "num_chars", "seed", "examples", ""]) | TEXTS,
        tensors(),
        max_size=6,
    ),
    output_filter=st.lists(st.sampled_from(["text", "nats", ""]) | TEXTS, max_size=2),
)
def test_predict(predictions, still_there, spec, inputs, output_filter):
    request = predict_pb2.PredictRequest(
        model_spec=spec, inputs=inputs, output_filter=output_filter
    )
    ask(predictions.Predict, request)


@FUZZ
@given(data=st.data())
def test_predict_with_tensors_that_fit(predictions, signatures, still_there, data):
    name = data.draw(st.sampled_from(sorted(n for n in signatures if signatures[n].inputs)))
    rows = data.draw(st.integers(0, 3))
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "lyrics", name
    for alias, info in signatures[name].inputs.items():
        request.inputs[alias].CopyFrom(data.draw(fitting(info.dtype, rows), label=alias))
    assert ask(predictions.Predict, request) in (None, grpc.StatusCode.INVALID_ARGUMENT)


@FUZZ
@given(data=st.data())
def test_predict_with_one_tensor_that_does_not_fit(predictions, signatures, still_there, data):
    name = data.draw(st.sampled_from(sorted(n for n in signatures if signatures[n].inputs)))
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "lyrics", name
    for alias, info in signatures[name].inputs.items():
        request.inputs[alias].CopyFrom(data.draw(fitting(info.dtype, 1), label=alias))
    alias = data.draw(st.sampled_from(sorted(request.inputs)))
    request.inputs[alias].CopyFrom(data.draw(tensors(), label=alias))
    assert ask(predictions.Predict, request) in (None, grpc.StatusCode.INVALID_ARGUMENT)


@FUZZ
@given(
    spec=specs() | st.none(),
    fields=st.lists(st.just("signature_def") | TEXTS, max_size=3),
    method=st.sampled_from(["tensorflow/serving/classify", "tensorflow/serving/regress"]) | TEXTS,
    examples=st.lists(BYTES, max_size=2),
)
def test_all_else(predictions, models, still_there, spec, fields, method, examples):
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec, metadata_field=fields
    )
    ask(predictions.GetModelMetadata, metadata)
    ask(models.GetModelStatus, get_model_status_pb2.GetModelStatusRequest(model_spec=spec))
    for call, request in [
        (predictions.Classify, classification_pb2.ClassificationRequest(model_spec=spec)),
        (predictions.Regress, regression_pb2.RegressionRequest(model_spec=spec)),
        (predictions.MultiInference, inference_pb2.MultiInferenceRequest()),
    ]:
        for example in examples:
            features = request.input.example_list.examples.add().features
            features.feature["text"].bytes_list.value.append(example)
        if isinstance(request, inference_pb2.MultiInferenceRequest):
            request.tasks.add(model_spec=spec, method_name=method)
            request.tasks.add(model_spec=spec, method_name=method)
        assert ask(call, request) is not None  # no such signature is served


@st.composite
def configs(draw) -> model_management_pb2.ReloadConfigRequest:
    """A list with the model that is served, which stays, and others."""
    request = model_management_pb2.ReloadConfigRequest()
    listed = request.config.model_config_list.config
    for _ in range(draw(st.integers(1, 3))):
        model = listed.add(
            name=draw(st.sampled_from(["lyrics", "poems", ""]) | TEXTS),
            base_path=draw(st.sampled_from(["", "poems", "/\0", "gs://", "nothing://x/y"]) | TEXTS),
            model_platform=draw(st.sampled_from(["tensorflow", "", "caffe"])),
            version_labels=draw(st.dictionaries(TEXTS, INT64, max_size=2)),
        )
        model.model_version_policy.specific.versions.extend(draw(st.lists(INT64, max_size=2)))
    return request


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory) -> Iterator[model_service_pb2_grpc.ModelServiceStub]:
    """A server without any version yet."""
    options = ServerOptions(str(tmp_path_factory.mktemp("nothing")), port=0)
    with ModelServer(options) as server, grpc.insecure_channel(server.target) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel)


@FUZZ
@given(request=configs())
def test_reload(reloaded, request):
    refusal = None
    try:
        reloaded.HandleReloadConfigRequest(request, timeout=60)
    except grpc.RpcError as error:
        refusal = error
    if refusal and "did not become available" not in refusal.details():
        assert refusal.code().name in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"), refusal
    status = get_model_status_pb2.GetModelStatusRequest(model_spec=model_pb2.ModelSpec(name="?"))
    assert ask(reloaded.GetModelStatus, status) == grpc.StatusCode.NOT_FOUND
