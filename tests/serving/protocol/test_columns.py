"""The inputs and outputs that calls cannot send or read."""

import numpy as np
import pytest

from modules.errors import ConfigError, InvalidRequest, ServingError
from serving.protocol import calls
from serving.protocol.protos import predict_pb2, types_pb2
from serving.protocol.streaming import Stream

from ..both_clients import CLIENTS

pytestmark = pytest.mark.fast

NAN = float("nan")
CALLS = [
    calls.generate,
    calls.generate_scored,
    lambda texts: calls.generate_beam(texts, 1, 1),
    calls.start,
    calls.score,
    lambda texts: calls.next_char(texts, 1),
    lambda texts: calls.fill(texts, 1),
]


def test_texts_are_sent_as_utf_8():
    call = calls.start(["分", ""])
    assert list(call.inputs["prefix"].string_val) == ["分".encode(), b""]


@pytest.mark.parametrize(
    ("prefix", "options", "sentence"),
    [
        ("a\ud800", {}, r"^prefix 'a\\ud800' has something at character 2 that is none: send"),
        ("a", {"stop": "\udcff"}, "^stop '.udcff' has something at character 1 that is none"),
        ("a", {"stop": b"a"}, "^stop is of type bytes, no text: give a str$"),
        ("a", {"stop": None}, "^stop is of type NoneType, no text"),
        (b"a", {}, "^prefix is of type bytes, no text: give a str$"),
        (None, {}, "^prefix is of type NoneType, no text"),
        (["a"], {}, "^prefix is of type list, no text"),
        *(
            ("a", {"num_chars": value}, "^num_chars=.* makes no sense: give a whole number from -2")
            for value in (2**31, -(2**31) - 1, 10**5000, 5.0, "5", True, None, [5], np.int64(2**40))
        ),
        ("a", {"num_chars": 10**5000}, "^num_chars=<int> makes no sense"),
        ("a", {"seed": 2**63}, "^seed=9223372036854775808 makes no sense"),
        *(
            ("a", {"temperature": value}, "^temperature=.* makes no sense: give a number from -3")
            for value in ("x", True, None, NAN, float("inf"), 1e39, 10**400, 1j, np.array([1.0]))
        ),
    ],
)
def test_what_cannot_be_sent(prefix, options, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        calls.generate([prefix], **options)


@pytest.mark.parametrize(
    "texts", ["ab", "", b"ab", np.array("ab"), None, 5, {"ab"}, {"ab": 1}], ids=repr
)
@pytest.mark.parametrize("call", CALLS)
def test_one_text_is_no_list_of_texts(call, texts):
    with pytest.raises(
        InvalidRequest,
        match=r"^(prefix|text) is of type \w+, no list of texts: give a list, of a single one too$",
    ):
        call(texts)


@pytest.mark.parametrize("texts", [("a", "b"), iter("ab"), np.array(["a", "b"])])
def test_what_has_an_order_is_a_list(texts):
    assert list(calls.score(texts).inputs["text"].string_val) == [b"a", b"b"]


def test_numbers_of_numpy_are_numbers():
    call = calls.generate(
        ["a"],
        num_chars=np.int64(3),
        top_k=np.array(4),
        temperature=np.float32(0.5),
        top_p=np.float64(0.5),
        seed=np.uint8(7),
    )
    sent = call.inputs
    assert list(sent["num_chars"].int_val) == [3]
    assert list(sent["top_k"].int_val) == [4]
    assert list(sent["temperature"].float_val) == [0.5]
    assert list(sent["top_p"].float_val) == [0.5]
    assert list(sent["seed"].int64_val) == [7]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"chunk": 0}, "^chunk=0 makes no sense: give a whole number from 1 to"),
        ({"chunk": 1.5}, "^chunk=1.5 makes no sense"),
        ({"num_chars": -1}, "^num_chars=-1 makes no sense: give a whole number from 0 to"),
        ({"num_chars": "5"}, "^num_chars='5' makes no sense"),
        ({"prefix": ["a"]}, "^prefix is of type list, no text: give a str"),
        ({"seed": 2**63}, "^seed=9223372036854775808 makes no sense"),
    ],
)
def test_a_stream_refuses_before_anything_is_sent(options, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        Stream(**{"prefix": "a", "chunk": 1, **options})


@pytest.mark.parametrize("connect", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        *(
            ({"timeout": value}, "^timeout=.* makes no sense: give a number from 0 to 1e.09$")
            for value in (NAN, float("inf"), 1e10, -1, "3", None, True, 10**5000)
        ),
        *(
            ({"version": value}, "^version=.* makes no sense: give a whole number from 0 to 92")
            for value in (2**63, -1, 1.0, "1", True)
        ),
        ({"model_name": None}, "^model_name is of type NoneType, no text: give a str$"),
        ({"model_name": "\udc80"}, "^model_name '.udc80' has something at character 1 that is"),
        ({"label": 5}, "^label is of type int, no text"),
        ({"target": b"localhost:8500"}, "^target is of type bytes, no text"),
    ],
)
def test_no_such_connection(connect, nowhere, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        connect(**{"target": nowhere, **options})


@pytest.mark.parametrize("connect", CLIENTS, ids=lambda client: client.__name__)
def test_nobody_waits_for_what_is_no_time(connect, nowhere):
    with connect(nowhere) as client, pytest.raises(ConfigError, match=r"^timeout=nan makes no"):
        client.wait_until_ready(NAN)


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
