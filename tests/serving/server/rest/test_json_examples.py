"""Bodies of classify and regress: the sentences of tensorflow_serving/util/json_tensor.cc."""

import pytest
import tensorflow as tf

from serving.server.rest.json_examples import check_examples


@pytest.mark.parametrize(
    "example",
    [
        {},
        {"x": 1, "y": [1.5, 2.0], "z": "a"},
        {"x": [], "y": [True, 3], "z": ["a", {"b64": "YQ=="}]},
        {"x": [1.5, 2**64, -(2**63) - 1]},  # too large for integers: numbers with a point
    ],
)
def test_examples(example):
    check_examples({"examples": [example]})
    check_examples({"examples": [{}], "context": example})


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {},
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (
            {"examples": 1},
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
        (
            {"examples": []},
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
        ),
        ({"examples": ["a"]}, "Example must be JSON object but got JSON String"),
        ({"context": 1, "examples": []}, "Example must be JSON object but got JSON Number"),
        (
            {"examples": [{"x": None}]},
            "Feature: x has element with unexpected JSON type: Null",
        ),
        (
            {"examples": [{"x": [[1]]}]},
            "Feature: x has element with unexpected JSON type: Array",
        ),
        (
            {"examples": [{"x": {"y": 1}}]},
            "Feature: x has element with unexpected JSON type: Object",
        ),
        (
            {"examples": [{"x": [1, 1.5]}]},
            "Unexpected element type in feature: x expecting type: int64",
        ),
        (
            {"examples": [{"x": ["a", 1]}]},
            "Unexpected element type in feature: x expecting type: bytes",
        ),
        (
            {"examples": [{"x": 2**63}]},
            "Feature: x has uint64_t element. Only int64_t is supported.",
        ),
        ({"examples": [{"x": {"b64": "%"}}]}, "Unable to base64 decode"),
    ],
)
def test_examples_that_are_none(body, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        check_examples(body)
    assert refusal.value.message == sentence
