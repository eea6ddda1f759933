"""JSON bodies to tensors: what TF Serving takes, and what it says of the rest.

The sentences are those of tensorflow_serving/util/json_tensor.cc, but for RapidJSON's own.
"""

import json

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given, settings
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from serving.server.rest.json_document import parse
from serving.server.rest.json_requests import requested_signature, tensors

TEXT = {"text": tf.string}
SAMPLED = {"prefix": tf.string, "top_k": tf.int32}


def tensor_infos(dtypes):
    return {name: TensorInfo(dtype=dtype.as_datatype_enum) for name, dtype in dtypes.items()}


def values(body, **dtypes):
    """Shape and values of each input."""
    arrays = {
        name: tf.make_ndarray(proto)
        for name, proto in tensors(parse(body), tensor_infos(dtypes)).items()
    }
    return {name: (array.shape, array.tolist()) for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("body", "dtypes", "expected"),
    [
        (b'{"instances": ["a", "b"]}', TEXT, {"text": ((2,), [b"a", b"b"])}),
        (b'{"instances": [{"text": "a"}]}', TEXT, {"text": ((1,), [b"a"])}),
        (
            '{"instances": [{"prefix": "分", "top_k": 1}, {"top_k": 2, "prefix": ""}]}'.encode(),
            SAMPLED,
            {"prefix": ((2,), ["分".encode(), b""]), "top_k": ((2,), [1, 2])},
        ),
        (
            b'{"inputs": {"prefix": ["a", "b"], "top_k": 3, "unknown": 1}}',
            SAMPLED,
            {"prefix": ((2,), [b"a", b"b"]), "top_k": ((), 3)},
        ),
        (b'{"inputs": ["a"]}', TEXT, {"text": ((1,), [b"a"])}),
        (b'{"inputs": []}', TEXT, {"text": ((0,), [])}),
        (b'{"inputs": {"b64": "/w"}}', TEXT, {"text": ((), b"\xff")}),
        (b'{"instances": [{"b64": "gIE="}, "a"]}', TEXT, {"text": ((2,), [b"\x80\x81", b"a"])}),
        (b'{"instances": [{"text": {"b64": ""}}]}', TEXT, {"text": ((1,), [b""])}),
        (b'{"inputs": "\\u5206\\ud83c\\udfa4"}', TEXT, {"text": ((), "分🎤".encode())}),
        (b'{"instances": [[[1], [2]]]}', {"x": tf.int64}, {"x": ((1, 2, 1), [[[1], [2]]])}),
        (b'{"inputs": [1, 2.5, 1e3]}', {"x": tf.float32}, {"x": ((3,), [1, 2.5, 1000])}),
        (b'{"inputs": [true, false]}', {"x": tf.bool}, {"x": ((2,), [True, False])}),
    ],
)
def test_bodies_become_tensors(body, dtypes, expected):
    assert values(body, **dtypes) == expected


def test_numbers_that_json_has_not():
    _, (minus, plus, nan) = values(b'{"inputs": [-Infinity, 1e39, NaN]}', x=tf.float32)["x"]
    assert (minus, plus) == (float("-inf"), float("inf"))
    assert nan != nan


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"  ", "JSON Parse error: The document is empty. at offset: 2"),
        (b'{"a', "JSON Parse error: Missing a closing quotation mark in string. at offset: 3"),
        (
            b'{"a": [1 2]}',
            "JSON Parse error: Missing a comma or ] after an array element. at offset: 9",
        ),
        ('{"分": nope}'.encode(), "JSON Parse error: Invalid value. at offset: 9"),
        (
            b"{} {}",
            "JSON Parse error: The document root must not be followed by other values. "
            "at offset: 3",
        ),
        (b'{"inputs": "\xe5"}', "JSON Parse error: Invalid encoding in string. at offset: 12"),
        (
            b'{"inputs": "\\ud800"}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 12",
        ),
        (
            b"[" * 100_000,
            "JSON Parse error: Maximum parse recursion depth exceeded! at offset: 1001",
        ),
        (b"[]", "JSON Value: [] Is not object"),
        (b"null", "JSON Value: null Is not object"),
    ],
)
def test_bodies_that_are_no_object(body, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        parse(body)
    assert refusal.value.message == sentence


@pytest.mark.parametrize(
    ("body", "dtypes", "sentence"),
    [
        ({}, TEXT, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": [], "inputs": []},
            TEXT,
            'JSON Value: {\n    "instances": [],\n    "inputs": []\n} Not formatted correctly '
            "expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            {"instances": 1},
            TEXT,
            "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array",
        ),
        (
            {"instances": []},
            TEXT,
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
        ),
        (
            {"instances": ["a"]},
            SAMPLED,
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            {"instances": [{"text": "a"}, "b"]},
            TEXT,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            {"instances": ["a", {"text": "b"}]},
            TEXT,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            {"instances": [{"prefix": "a", "top_k": 1}, {"prefix": "a"}]},
            SAMPLED,
            "Failed to process element: 1 of 'instances' list. JSON object: "
            '{\n    "prefix": "a"\n} keys must be equal to: prefix,top_k',
        ),
        (
            {"instances": [{"text": "a", "seed": 1}]},
            TEXT,
            "Failed to process element: 0 key: seed of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: seed",
        ),
        (
            {"instances": ["a", 2]},
            TEXT,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON Value: 2 Type: Number is not of expected type: string",
        ),
        (
            {"instances": [[1], [2, 3]]},
            {"x": tf.int32},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 1 but got: 2",
        ),
        (
            {"instances": [[[1, 2]], [[1], [2]]]},
            {"x": tf.int32},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [1,2] but got: [2,1]",
        ),
        (
            {"inputs": ["a"]},
            SAMPLED,
            "inputs is a plain value/list, but expecting an object as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        ({"inputs": {"prefix": ["a"]}}, SAMPLED, "Missing named input: top_k in 'inputs' object."),
        (
            {"inputs": [[1, 2], [3]]},
            {"x": tf.int32},
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        (
            {"inputs": [1, [2]]},
            {"x": tf.int32},
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            {"inputs": [[1], 2]},
            {"x": tf.int32},
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        (
            {"inputs": 1.5},
            {"x": tf.int32},
            "JSON Value: 1.5 Type: Number is not of expected type: int32",
        ),
        (
            {"inputs": 2**31},
            {"x": tf.int32},
            "JSON Value: 2147483648 Type: Number is not of expected type: int32",
        ),
        (
            {"inputs": 2**63},
            {"x": tf.int64},
            "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
        ),
        (
            {"inputs": True},
            {"x": tf.int32},
            "JSON Value: true Type: True is not of expected type: int32",
        ),
        ({"inputs": 1}, {"x": tf.bool}, "JSON Value: 1 Type: Number is not of expected type: bool"),
        (
            {"inputs": None},
            {"x": tf.float32},
            "JSON Value: null Type: Null is not of expected type: float",
        ),
        (
            {"inputs": {"x": {"b64": "YQ=="}}},
            {"x": tf.float32},
            'JSON Value: {\n    "b64": "YQ=="\n} Type: Object is not of expected type: float',
        ),
        (
            {"inputs": {"text": {"base64": "YQ=="}}},
            TEXT,
            'JSON Value: {\n    "base64": "YQ=="\n} not formatted correctly for base64 data',
        ),
        ({"inputs": {"b64": "%"}}, TEXT, "Unable to base64 decode"),
        ({"inputs": {"b64": "é"}}, TEXT, "Unable to base64 decode"),
    ],
)
def test_bodies_that_do_not_fit_the_signature(body, dtypes, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        tensors(parse(json.dumps(body).encode()), tensor_infos(dtypes))
    assert refusal.value.message == sentence


def test_dtypes_that_json_has_no_values_for():
    with pytest.raises(
        tf.errors.UnimplementedError, match=r"^Conversion of JSON Value: 1 to type: half$"
    ):
        tensors({"inputs": 1}, tensor_infos({"x": tf.float16}))


def test_signature_name():
    assert requested_signature({"signature_name": "score"}) == "score"
    assert requested_signature({}) == ""
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        requested_signature({"signature_name": 1})
    assert refusal.value.message == (
        'JSON Value: {\n    "signature_name": 1\n} not formatted correctly. '
        "'signature_name' key must be a string value."
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("b64"), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    ANY_JSON,
    st.sampled_from(["instances", "inputs"]),
    st.sampled_from([tf.string, tf.int32, tf.float32, tf.bool, tf.uint64, tf.float16]),
)
def test_any_json_is_taken_or_refused(value, key, dtype):
    try:
        taken = tensors(parse(json.dumps({key: value}).encode()), tensor_infos({"x": dtype}))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return
    assert taken["x"].dtype == dtype.as_datatype_enum
    if key == "instances":
        assert taken["x"].tensor_shape.dim[0].size == len(value)
