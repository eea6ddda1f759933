"""Tensors to JSON bodies: the text of TF Serving, by hand from json_tensor.cc's calls."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis.extra import numpy as arrays

from serving.server.rest import json_answers


def protos(**values):
    return {name: tf.make_tensor_proto(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        # Documented in TF Serving's docs/api_rest.md.
        ({"y": [3.5, 4.0, 5.5]}, '{\n    "predictions": [3.5, 4.0, 5.5\n    ]\n}'),
        ({"y": [["a", "b"], ["c", "d"]]},
         '{\n    "predictions": [["a", "b"], ["c", "d"]\n    ]\n}'),
        ({"y": tf.zeros([0, 2])}, '{\n    "predictions": []\n}'),
        ({"y": tf.zeros([2, 0])}, '{\n    "predictions": [[], []\n    ]\n}'),
        ({"y": [1, 2], "ok": [[True], [False]]},
         '{\n    "predictions": [\n'
         '        {\n            "ok": [true],\n            "y": 1\n        },\n'
         '        {\n            "ok": [false],\n            "y": 2\n        }\n    ]\n}'),
    ],
)  # fmt: skip
def test_rows(outputs, text):
    assert json_answers.in_rows(protos(**outputs)).decode() == text


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"y": 3}, '{\n    "outputs": 3\n}'),
        ({"y": [[1.0], [2.0]]},
         '{\n    "outputs": [\n        [\n            1.0\n        ],\n'
         '        [\n            2.0\n        ]\n    ]\n}'),
        ({"y": [1], "x": []},
         '{\n    "outputs": {\n        "x": [],\n        "y": [\n            1\n        ]\n'
         "    }\n}"),
        ({"y_bytes": [b"\xff"]},
         '{\n    "outputs": [\n        {\n            "b64": "/w=="\n        }\n    ]\n}'),
    ],
)  # fmt: skip
def test_columns(outputs, text):
    assert json_answers.in_columns(protos(**outputs)).decode() == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.2), "0.2"),  # not 0.20000000298
        (np.float32(1 / 3), "0.333333343"),
        (np.float64(1 / 3), "0.33333333333333331"),
        (np.float32(9e6), "9e+06"),
        (np.float32(3e-5), "3e-05"),
        (np.float32(123456), "123456.0"),
        (np.float32(-0.0), "-0.0"),
        (np.float32("nan"), "NaN"),
        (np.float32("inf"), "Infinity"),
        (np.float64("-inf"), "-Infinity"),
        (np.int64(2**53 + 1), "9007199254740993"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        ('"\\/\n\x1f分🎤', '"\\"\\\\/\\n\\u001f分🎤"'),
    ],
)
def test_values(value, text):
    answer = json_answers.in_columns(protos(y=value)).decode()
    assert answer == f'{{\n    "outputs": {text}\n}}'


@given(arrays.arrays(np.float32, 3) | arrays.arrays(np.float64, 3))
def test_numbers_are_read_back_as_they_were(array):
    answer = json_answers.in_columns(protos(y=array))
    np.testing.assert_array_equal(np.array(json.loads(answer)["outputs"], array.dtype), array)


@given(st.lists(st.binary(), min_size=1))
def test_bytes_are_sent_as_they_are(values):
    answer = json_answers.in_columns(protos(y=np.array(values, object)))
    sent = json.loads(answer.decode(errors="surrogateescape"))["outputs"]
    assert [text.encode(errors="surrogateescape") for text in sent] == values


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ({"y": 3}, "Tensor name: y has no shape information "),
        ({"x": [1], "y": [1, 2]}, "Tensor name: y has inconsistent batch size: 2 expecting: 1"),
        ({"y": tf.zeros([1], tf.float16)}, "Failed to write JSON value for tensor type: half"),
    ],
)
def test_outputs_that_cannot_be_rows(outputs, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        json_answers.in_rows(protos(**outputs))
    assert refusal.value.message == sentence


def test_errors():
    assert json_answers.error('no "x"').decode() == '{\n    "error": "no \\"x\\""\n}'
