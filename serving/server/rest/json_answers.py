"""The tensors that a signature gave -> the JSON body of a REST answer.

    {"predictions": [...]}   a value, or an object of the outputs' values, for each row
    {"outputs": ...}         all values of the only output, or an object of them

The text is TF Serving's, white space included; the outputs are in the order of their names.
Source: `MakeJsonFromTensors` and `WriteDecimal` in TF Serving, util/json_tensor.cc.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.protocol.protos import tensor_pb2
from serving.protocol.tensors import dtype_name, to_array
from serving.server.refusals import invalid_argument
from serving.server.rest.json_tensors import BASE64, DTYPES

Outputs = Mapping[str, tensor_pb2.TensorProto]
Json = str | list | dict[str, Any]  # a value that is text already, or lists and objects of such

_BYTES_SUFFIX = "_bytes"  # an output named so holds bytes, not text
_INDENT = " " * 4
_ALL_DIGITS = {4: 9, 8: 17}  # that a number of so many bytes needs: C++'s max_digits10


def in_rows(outputs: Outputs) -> bytes:
    """The answer to a request in rows.

    Raises:
        tf.errors.InvalidArgumentError: if the outputs have not as many rows, or a dtype that JSON
            has no values for.
    """
    _check_batch_size(outputs)
    values = _values(outputs)
    if len(values) == 1:
        (only,) = values.values()
        # TF Serving begins a line before it closes the list.
        predictions = ", ".join(_write(row, 2, one_line=True) for row in only)
    else:
        named = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        predictions = ",".join(_line(2) + _write(row, 2, one_line=True) for row in named)
    return _body("predictions", f"[{predictions}{_line(1)}]" if predictions else "[]")


def in_columns(outputs: Outputs) -> bytes:
    """The answer to a request in columns.

    Raises:
        tf.errors.InvalidArgumentError: if an output has a dtype that JSON has no values for.
    """
    values = _values(outputs)
    (only, *others) = values.values()
    return _body("outputs", _write(values if others else only, 1, one_line=False))


def error(message: str) -> bytes:
    """The answer that says what was wrong."""
    return _body("error", _string(message))


def _check_batch_size(outputs: Outputs) -> None:
    batch_size = None
    for name, tensor in sorted(outputs.items()):
        if not tensor.tensor_shape.dim:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        size = tensor.tensor_shape.dim[0].size
        if batch_size not in (None, size):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {size} expecting: {batch_size}"
            )
        batch_size = size


def _values(outputs: Outputs) -> dict[str, Json]:
    """The values of each output as text, in lists as deep as its shape."""
    return {name: _nested(name, tensor) for name, tensor in sorted(outputs.items())}


def _nested(name: str, tensor: tensor_pb2.TensorProto) -> Json:
    if tensor.dtype not in DTYPES:
        raise invalid_argument(
            f"Failed to write JSON value for tensor type: {dtype_name(tensor.dtype)}"
        )
    array = to_array(tensor)
    texts: list[Json]
    if np.issubdtype(array.dtype, np.floating):
        texts = [_decimal(value) for value in array.flat]
    elif array.dtype == object and name.endswith(_BYTES_SUFFIX):
        texts = [{BASE64: f'"{base64.b64encode(value).decode()}"'} for value in array.flat]
    elif array.dtype == object:
        texts = [_string(value.decode(errors="surrogateescape")) for value in array.flat]
    else:
        texts = [str(value).lower() for value in array.flat]  # 3, true
    nested = np.empty(len(texts), object)
    nested[:] = texts
    return nested.reshape(array.shape).tolist()


def _decimal(value: np.floating) -> str:
    """Six digits where they are enough to read the number back, else all of them."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    text = f"{value:.6g}"
    if type(value)(text) != value:
        text = f"{value:.{_ALL_DIGITS[value.itemsize]}g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _write(value: Json, depth: int, one_line: bool) -> str:
    """A value as RapidJSON's PrettyWriter puts it, lists over lines or in one."""
    if isinstance(value, str):
        return value
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict):
        items = [f"{_string(k)}: {_write(v, depth + 1, one_line)}" for k, v in value.items()]
    else:
        items = [_write(item, depth + 1, one_line) for item in value]
        if one_line:
            return f"[{', '.join(items)}]"
    if not items:
        return opening + closing
    inner = ",".join(_line(depth + 1) + item for item in items)
    return f"{opening}{inner}{_line(depth)}{closing}"


def _line(depth: int) -> str:
    return "\n" + _INDENT * depth


def _body(key: str, value: str) -> bytes:
    text = f'{{{_line(1)}"{key}": {value}{_line(0)}}}'
    return text.encode(errors="surrogateescape")
