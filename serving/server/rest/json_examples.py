"""The body of a REST request to classify or regress: whether it holds tf.Examples.

Source of the order of the checks and the sentences: `FillClassifyRegressRequestFromJson` in
TF Serving, util/json_tensor.cc. There is no model here to give them to.
"""

from collections.abc import Mapping
from typing import Any

from serving.server.refusals import invalid_argument
from serving.server.rest.json_document import format_error, type_name
from serving.server.rest.json_tensors import decode, is_base64

_EXAMPLES = "examples"
_CONTEXT = "context"


def check_examples(document: Mapping[str, Any]) -> None:
    """Checks `{"examples": [{"feature": 1, ...}, ...], "context": {...}}`.

    Raises:
        tf.errors.InvalidArgumentError: if there are none, or they are something else.
    """
    if _CONTEXT in document:
        _check_example(document[_CONTEXT])
    if _EXAMPLES not in document:
        raise format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    examples = document[_EXAMPLES]
    if not isinstance(examples, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise format_error(document, "'examples' value is an empty array")
    for example in examples:
        _check_example(example)


def _check_example(example: Any) -> None:
    if not isinstance(example, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {type_name(example)}")
    for name, content in example.items():
        values = content if isinstance(content, list) else [content]
        kinds = [_kind(name, value) for value in values]
        if any(kind != kinds[0] for kind in kinds):
            raise invalid_argument(
                f"Unexpected element type in feature: {name} expecting type: {kinds[0]}"
            )


def _kind(name: str, value: Any) -> str:
    """The list of a tf.Feature that a value belongs into."""
    if is_base64(value):
        decode(value)
        return "bytes"
    if value is None or isinstance(value, dict | list):
        raise invalid_argument(
            f"Feature: {name} has element with unexpected JSON type: {type_name(value)}"
        )
    if isinstance(value, int) and 2**63 <= value < 2**64:
        raise invalid_argument(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    is_int64 = isinstance(value, int) and -(2**63) <= value < 2**63
    return "bytes" if isinstance(value, str) else "int64" if is_int64 else "float"
