"""A JSON value -> a tensor of the dtype that a signature wants.

    3                   int32[]         [["a", {"b64": "Yg=="}]]    string[1, 2]

Source of the rules and sentences: `FillTensorProto` and `AddValueToTensor` in
TF Serving, util/json_tensor.cc.
"""

import base64
import binascii
from typing import Any

import tensorflow as tf

from serving.protocol.protos import types_pb2
from serving.protocol.tensors import dtype_name
from serving.server.refusals import invalid_argument
from serving.server.rest.json_document import text, type_name

BASE64 = "b64"
_INTEGERS = {
    types_pb2.DT_INT8: range(-(2**31), 2**31),  # TF Serving cuts them to the dtype
    types_pb2.DT_INT16: range(-(2**31), 2**31),
    types_pb2.DT_INT32: range(-(2**31), 2**31),
    types_pb2.DT_INT64: range(-(2**63), 2**63),
    types_pb2.DT_UINT8: range(-(2**31), 2**31),
    types_pb2.DT_UINT32: range(2**32),
    types_pb2.DT_UINT64: range(2**64),
}
_KINDS = {
    types_pb2.DT_FLOAT: int | float,
    types_pb2.DT_DOUBLE: int | float,
    types_pb2.DT_BOOL: bool,
    types_pb2.DT_STRING: str,
}
DTYPES = {*_INTEGERS, *_KINDS}  # JSON has no values for the others


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
    if dtype not in DTYPES and not isinstance(value, dict):
        raise tf.errors.UnimplementedError(
            None, None, f"Conversion of JSON Value: {text(value)} to type: {dtype_name(dtype)}"
        )
    if not _fits(value, dtype):
        raise invalid_argument(
            f"JSON Value: {text(value)} Type: {type_name(value)} "
            f"is not of expected type: {dtype_name(dtype)}"
        )
    return value.encode() if isinstance(value, str) else value


def _fits(value: Any, dtype: int) -> bool:
    if isinstance(value, bool):  # which is an int, too
        return dtype == types_pb2.DT_BOOL
    if dtype in _INTEGERS:
        return isinstance(value, int) and value in _INTEGERS[dtype]
    return dtype in _KINDS and isinstance(value, _KINDS[dtype])


def decode(value: dict[str, Any]) -> bytes:
    """The bytes of `{"b64": "..."}`; the padding may be missing, as abseil has it."""
    if not is_base64(value):
        raise invalid_argument(f"JSON Value: {text(value)} not formatted correctly for base64 data")
    encoded = "".join(value[BASE64].split())
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise invalid_argument("Unable to base64 decode") from error
