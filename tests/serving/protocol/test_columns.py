"""The inputs and outputs that calls cannot send or read."""

import pytest

from modules.errors import InvalidRequest, ServingError
from serving.protocol import calls
from serving.protocol.protos import predict_pb2, types_pb2

pytestmark = pytest.mark.fast


def test_texts_are_sent_as_utf_8():
    call = calls.start(["分", ""])
    assert list(call.inputs["prefix"].string_val) == ["分".encode(), b""]


@pytest.mark.parametrize(
    ("prefix", "options", "sentence"),
    [
        ("a\ud800", {}, r"^prefix 'a\\ud800' has something at character 2 that is none: send"),
        ("a", {"num_chars": 2**31}, "^num_chars cannot be sent as DT_INT32: .*out of range"),
        ("a", {"temperature": "x"}, "^temperature cannot be sent as DT_FLOAT"),
    ],
)
def test_what_cannot_be_sent(prefix, options, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        calls.generate([prefix], **options)


def test_a_type_of_others():
    answer = predict_pb2.PredictResponse()
    answer.outputs["text"].dtype = types_pb2.DT_COMPLEX64
    with pytest.raises(ServingError, match="with a tensor of DT_COMPLEX64: ask a model"):
        calls.Response(answer).column("text")


def test_something_that_is_no_tensor():
    answer = predict_pb2.PredictResponse()
    answer.outputs["text"].dtype = types_pb2.DT_STRING
    answer.outputs["text"].tensor_shape.dim.add(size=-1)
    with pytest.raises(ServingError, match=r"with a tensor without a shape: \[-1\]: ask a model"):
        calls.Response(answer).column("text")
