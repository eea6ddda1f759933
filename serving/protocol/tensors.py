"""Python values as TensorProtos and back. No TensorFlow here.

Source: tensorflow/core/framework/tensor.proto, whose comments say how values are laid out.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from modules.errors import InvalidRequest, ServingError
from serving.protocol.protos import tensor_pb2, types_pb2

# The field that holds a type's values, and what they are in numpy.
_FIELDS: dict[int, tuple[str, Any]] = {
    types_pb2.DT_FLOAT: ("float_val", np.float32),
    types_pb2.DT_INT32: ("int_val", np.int32),
    types_pb2.DT_INT64: ("int64_val", np.int64),
    types_pb2.DT_BOOL: ("bool_val", np.bool_),
    types_pb2.DT_STRING: ("string_val", np.object_),
}


def to_proto(name: str, values: Sequence, dtype: int) -> tensor_pb2.TensorProto:
    """A value for each row, [B].

    Args:
        name: of the input, for the error.
        values: texts, where the type is DT_STRING.
        dtype: one of types_pb2.

    Raises:
        InvalidRequest: if the type has no such value, or a text cannot be written in UTF-8.
    """
    proto = tensor_pb2.TensorProto(dtype=dtype)
    proto.tensor_shape.dim.add(size=len(values))
    field, _ = _FIELDS[dtype]
    if dtype == types_pb2.DT_STRING:
        values = [_encode(name, value) for value in values]
    try:
        getattr(proto, field).extend(values)
    except (ValueError, TypeError) as error:
        raise InvalidRequest(
            f"{name} cannot be sent as {types_pb2.DataType.Name(dtype)}: {error}"
        ) from error
    return proto


def to_list(proto: tensor_pb2.TensorProto) -> list:
    """Nested lists, as deep as the tensor; strings as bytes.

    Raises:
        ServingError: if the tensor is of a type that no signature of this project has.
    """
    if proto.dtype not in _FIELDS:
        name = types_pb2.DataType.Name(proto.dtype)
        raise ServingError(
            f"the server answered with a tensor of {name}: ask a model that this pipeline pushed"
        )
    field, dtype = _FIELDS[proto.dtype]
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape).tolist()
    values = list(getattr(proto, field))
    values += values[-1:] * (math.prod(shape) - len(values))  # the last stands for all after it
    return np.array(values, dtype).reshape(shape).tolist()


def _encode(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"{name} {text!r} has something at character {error.start + 1} that is none: "
            "send Unicode, from files in UTF-8"
        ) from error
