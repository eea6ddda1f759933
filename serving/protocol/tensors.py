"""Arrays and lists as TensorProtos and back, as TF Serving reads and writes them. No TensorFlow.

Source: TensorFlow, core/framework/tensor.proto, whose comments say how values are laid out, and
tensor.cc (Tensor::FromProto, Tensor::AsProtoField).
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from serving.protocol.protos import tensor_pb2, types_pb2

_MOST_FILLED = 2**20  # elements: a small message must not be able to take all the memory


class _Layout(NamedTuple):
    """How a message holds the values of a dtype.

    Attributes:
        field: that holds them.
        dtype: of the array.
        bits: what the field holds, where that is not the value: of a half its 16 bits.
        words: how many of these make a value.
    """

    field: str
    dtype: Any
    bits: Any = None
    words: int = 1


_LAYOUTS = {
    types_pb2.DT_FLOAT: _Layout("float_val", np.float32),
    types_pb2.DT_DOUBLE: _Layout("double_val", np.float64),
    types_pb2.DT_HALF: _Layout("half_val", np.float16, np.uint16),
    types_pb2.DT_BFLOAT16: _Layout("half_val", ml_dtypes.bfloat16, np.uint16),
    types_pb2.DT_INT8: _Layout("int_val", np.int8),
    types_pb2.DT_INT16: _Layout("int_val", np.int16),
    types_pb2.DT_INT32: _Layout("int_val", np.int32),
    types_pb2.DT_INT64: _Layout("int64_val", np.int64),
    types_pb2.DT_UINT8: _Layout("int_val", np.uint8),
    types_pb2.DT_UINT16: _Layout("int_val", np.uint16),
    types_pb2.DT_UINT32: _Layout("uint32_val", np.uint32),
    types_pb2.DT_UINT64: _Layout("uint64_val", np.uint64),
    types_pb2.DT_QINT8: _Layout("int_val", np.int8),
    types_pb2.DT_QINT16: _Layout("int_val", np.int16),
    types_pb2.DT_QINT32: _Layout("int_val", np.int32),
    types_pb2.DT_QUINT8: _Layout("int_val", np.uint8),
    types_pb2.DT_QUINT16: _Layout("int_val", np.uint16),
    types_pb2.DT_COMPLEX64: _Layout("scomplex_val", np.complex64, np.float32, 2),
    types_pb2.DT_COMPLEX128: _Layout("dcomplex_val", np.complex128, np.float64, 2),
    types_pb2.DT_BOOL: _Layout("bool_val", np.bool_),
    types_pb2.DT_STRING: _Layout("string_val", np.object_),
}


def dtype_name(dtype: int) -> str:
    """`float`, `int32`: a dtype as TensorFlow writes it; DataType says DT_FLOAT."""
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The tensor of a message: too few values go on with the last one, too many are cut off.

    Raises:
        ValueError: if the message is no tensor, or one of more than a million elements that
            holds fewer values; begins with what it is.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError(f"a tensor without a shape: {shape}")
    size = math.prod(shape)
    if size > _MOST_FILLED and size > proto.ByteSize():
        raise ValueError(f"{size} elements in a message of {proto.ByteSize()} bytes")
    layout = _layout(proto.dtype)
    if proto.tensor_content:
        return _from_content(proto.tensor_content, layout, size).reshape(shape)
    values = _from_field(getattr(proto, layout.field)[: size * layout.words], layout)
    if len(values) < size:
        last = values[-1] if len(values) else b"" if layout.dtype is np.object_ else 0
        values = np.append(values, np.full(size - len(values), last, layout.dtype))
    return values.reshape(shape)


def to_proto(values: Any, dtype: int, shape: Sequence[int] | None = None) -> tensor_pb2.TensorProto:
    """The message of a tensor.

    Args:
        values: an array, or its elements in a flat list; strings are bytes.
        dtype: one of types_pb2.
        shape: of a list's tensor; None is as long as the list.

    Raises:
        ValueError: if the dtype has no such value.
    """
    if not isinstance(values, list):
        layout = _layout(dtype)
        array = np.asarray(values, layout.dtype)
        shape, flat = array.shape, array.ravel()
        values = (flat.view(layout.bits) if layout.bits else flat).tolist()
    proto = tensor_pb2.TensorProto(dtype=dtype)
    for size in [len(values)] if shape is None else shape:
        proto.tensor_shape.dim.add(size=size)
    try:
        if values:
            getattr(proto, _layout(dtype).field).extend(values)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return proto


def _layout(dtype: int) -> _Layout:
    if dtype not in _LAYOUTS:
        raise ValueError(f"a tensor of the type {dtype}, neither numbers nor strings")
    return _LAYOUTS[dtype]


def _from_field(values: list, layout: _Layout) -> np.ndarray:
    bits = layout.bits or layout.dtype
    if layout.field in ("int_val", "half_val"):  # 32 bits, of which the dtype may have fewer
        array = np.array(values, np.int32).astype(bits, copy=False)
    else:
        array = np.array(values, bits)
    return array.view(layout.dtype) if layout.bits else array


def _from_content(content: bytes, layout: _Layout, size: int) -> np.ndarray:
    """All values as they lie in memory."""
    if layout.dtype is np.object_:
        return np.array(_strings(content, size), np.object_)
    array = np.frombuffer(content, layout.dtype)
    if len(array) != size:
        raise ValueError(f"{len(content)} bytes for {size} elements")
    return array


def _strings(content: bytes, size: int) -> list[bytes]:
    """All lengths as varints, then all bytes: EncodeStringList of platform/tensor_coding.cc."""
    stream = iter(content)
    lengths = [_varint(stream) for _ in range(size)]
    text = bytes(stream)
    if sum(lengths) != len(text):
        raise ValueError(f"{len(text)} bytes for strings of {sum(lengths)}")
    ends = itertools.accumulate(lengths)
    return [text[end - length : end] for length, end in zip(lengths, ends, strict=True)]


def _varint(stream: Iterator[int]) -> int:
    number = 0
    for place, byte in zip(range(5), stream, strict=False):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number
    raise ValueError("a string without a length")
