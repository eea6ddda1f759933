"""The body of a REST request to predict -> the tensors that a signature takes.

Source of the formats, the order of the checks and the sentences: `FillPredictRequestFromJson`
in TF Serving, util/json_tensor.cc.
Errors are `tf.errors.OpError`, most of them INVALID_ARGUMENT.
"""

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from serving.protocol.protos import meta_graph_pb2, tensor_pb2
from serving.protocol.tensors import to_proto
from serving.server.refusals import invalid_argument, status_code
from serving.server.rest.json_document import format_error, text
from serving.server.rest.json_tensors import flatten, is_base64

Document = Mapping[str, Any]
Inputs = Mapping[str, meta_graph_pb2.TensorInfo]  # a signature's, by name

_SIGNATURE_NAME = "signature_name"
_INSTANCES = "instances"
_INPUTS = "inputs"


def requested_signature(document: Document) -> str:
    """The signature that a request names; empty where it names none."""
    name = document.get(_SIGNATURE_NAME, "")
    if not isinstance(name, str):
        raise format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def in_rows(document: Document) -> bool:
    """Whether a request to predict has a row at a time (`instances`), not an input (`inputs`)."""
    if _INSTANCES in document and _INPUTS in document:
        raise format_error(
            document,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if _INSTANCES not in document and _INPUTS not in document:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    return _INSTANCES in document


def tensors(document: Document, inputs: Inputs) -> dict[str, tensor_pb2.TensorProto]:
    """The tensors of a request to predict, by the names of the inputs.

    Unlike over gRPC every input has to be there, also one that has a default.
    """
    if in_rows(document):
        return _from_rows(document, inputs)
    return _from_columns(document[_INPUTS], inputs)


def _from_columns(columns: Any, inputs: Inputs) -> dict[str, tensor_pb2.TensorProto]:
    """Tensors of whatever shape the lists have."""
    if not isinstance(columns, dict) or is_base64(columns):
        if len(inputs) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        columns = {min(inputs): columns}
    values = {}
    for name in sorted(inputs):
        if name not in columns:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        shape, flat = flatten(columns[name], inputs[name].dtype)
        values[name] = to_proto(flat, inputs[name].dtype, shape)
    return values


def _from_rows(document: Document, inputs: Inputs) -> dict[str, tensor_pb2.TensorProto]:
    """Tensors of shape `[batch_size, ...]`."""
    rows = document[_INSTANCES]
    if not isinstance(rows, list):
        raise format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise format_error(document, "No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    batch = _Batch(inputs)
    named = _is_named(rows[0])
    for position, row in enumerate(rows):
        if _is_named(row) != named:
            expected, got = ("object", "list") if named else ("value/list", "object")
            raise invalid_argument(
                f"Expecting {expected} but got {got} at item {position} of input list"
            )
        batch.add(row)
    return batch.tensors()


def _is_named(row: Any) -> bool:
    """Whether a row is an object of the inputs' values, not the value of the only one."""
    return isinstance(row, dict) and not is_base64(row)


class _Batch:
    """The values of all rows so far, by input."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._size = 0
        self._shapes: dict[str, list[int]] = {}  # of one row
        self._values: dict[str, list[Any]] = {}

    def add(self, row: Any) -> None:
        """Adds a row: an object with the value of each input, or the value of the only one."""
        failed = f"Failed to process element: {self._size}"
        named = _is_named(row)
        for name, value in (row if named else {min(self._inputs): row}).items():
            try:
                self._add(name, value)
            except tf.errors.OpError as error:
                key = f" key: {name}" if named else ""
                raise invalid_argument(
                    f"{failed}{key} of 'instances' list. "
                    f"Error: {status_code(error).name}: {error.message}"
                ) from error
        if named and set(row) != set(self._inputs):
            raise invalid_argument(
                f"{failed} of 'instances' list. JSON object: {text(row)} "
                f"keys must be equal to: {','.join(sorted(self._inputs))}"
            )
        self._size += 1

    def tensors(self) -> dict[str, tensor_pb2.TensorProto]:
        """A tensor of shape `[batch_size, ...]` for each input."""
        return {
            name: to_proto(values, self._inputs[name].dtype, [self._size, *self._shapes[name]])
            for name, values in self._values.items()
        }

    def _add(self, name: str, value: Any) -> None:
        if name not in self._inputs:
            raise invalid_argument(f"JSON object: does not have named input: {name}")
        shape, values = flatten(value, self._inputs[name].dtype)
        expected = self._shapes.setdefault(name, shape)
        if math.prod(expected) != len(values):
            raise invalid_argument(
                f"Expecting tensor size: {math.prod(expected)} but got: {len(values)}"
            )
        if expected != shape:
            raise invalid_argument(f"Expecting shape {_text(expected)} but got: {_text(shape)}")
        self._values.setdefault(name, []).extend(values)


def _text(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"
