"""A JSON value -> a tensor of the dtype that a signature wants.

    3                   int32[]         [["a", {"b64": "Yg=="}]]    string[1, 2]

Source of the rules and sentences: `FillTensorProto` and `AddValueToTensor` in
tensorflow_serving/util/json_tensor.cc of TF Serving.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.server.refusals import invalid_argument
from serving.server.rest.json_document import text, type_name

BASE64 = "b64"
FIELDS = {  # where a TensorProto keeps the values of a dtype; JSON has no values for the others
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}
_RANGES = {
    "int_val": range(-(2**31), 2**31),
    "int64_val": range(-(2**63), 2**63),
    "uint32_val": range(2**32),
    "uint64_val": range(2**64),
}


def dtype_name(dtype: int) -> str:
    """`float`, `int32`: a dtype as TF Serving calls it."""
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def is_base64(value: Any) -> bool:
    """Whether a value is `{"b64": "..."}`, which stands for bytes."""
    return isinstance(value, dict) and list(value) == [BASE64] and isinstance(value[BASE64], str)


def flatten(value: Any, dtype: int) -> tuple[list[int], list[Any]]:
    """The shape of a value, as the first of its lists have it, and what is in it.

    Raises:
        tf.errors.InvalidArgumentError: if it is ragged, or holds something of another dtype.
        tf.errors.UnimplementedError: if JSON has no values for the dtype.
    """
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    values: list[Any] = []
    _append(value, 0, shape, dtype, values)
    return shape, values


def make_tensor(dtype: int, shape: Sequence[int], values: Sequence[Any]) -> tensor_pb2.TensorProto:
    """A tensor of values that `flatten` gave."""
    tensor = tensor_pb2.TensorProto(dtype=dtype, tensor_shape=tf.TensorShape(shape).as_proto())
    if values:
        getattr(tensor, FIELDS[dtype]).extend(values)
    return tensor


def _append(value: Any, level: int, shape: list[int], dtype: int, values: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(
                f"JSON Value: {text(value)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
        values.append(_element(value, dtype))
        return
    if level >= len(shape):
        raise invalid_argument(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for element in value:
        _append(element, level + 1, shape, dtype, values)


def _element(value: Any, dtype: int) -> Any:
    if isinstance(value, dict) and dtype == types_pb2.DT_STRING:
        return decode(value)
    if dtype not in FIELDS and not isinstance(value, dict):
        raise tf.errors.UnimplementedError(
            None, None, f"Conversion of JSON Value: {text(value)} to type: {dtype_name(dtype)}"
        )
    if not _fits(value, FIELDS.get(dtype)):
        raise invalid_argument(
            f"JSON Value: {text(value)} Type: {type_name(value)} "
            f"is not of expected type: {dtype_name(dtype)}"
        )
    return value.encode() if isinstance(value, str) else value


def _fits(value: Any, field: str | None) -> bool:
    if field == "string_val":
        return isinstance(value, str)
    if isinstance(value, bool) or field == "bool_val":
        return isinstance(value, bool) and field == "bool_val"
    if field in _RANGES:
        return isinstance(value, int) and value in _RANGES[field]
    return field is not None and isinstance(value, int | float)


def decode(value: dict[str, Any]) -> bytes:
    """The bytes of `{"b64": "..."}`; the padding may be missing, as abseil has it."""
    if not is_base64(value):
        raise invalid_argument(f"JSON Value: {text(value)} not formatted correctly for base64 data")
    encoded = "".join(value[BASE64].split())
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise invalid_argument("Unable to base64 decode") from error
