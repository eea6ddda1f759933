"""TensorProtos to arrays and back, as TF Serving reads and writes them.

Source: TensorFlow, core/framework/tensor.cc (Tensor::FromProto, Tensor::AsProtoField).
"""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

# The field of a message that holds the values of a dtype, and NumPy's dtype; the rarer ones have
# other ways.
_VALUE_FIELDS = {
    dtype.as_datatype_enum: (field, dtype.as_numpy_dtype)
    for dtype, field in {
        tf.float32: "float_val",
        tf.float64: "double_val",
        tf.int32: "int_val",
        tf.int64: "int64_val",
        tf.bool: "bool_val",
        tf.string: "string_val",
    }.items()
}
_MOST_FILLED = 2**20  # elements: a small message must not be able to take all the memory


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The tensor of a message: too few values go on with the last one, too many are cut off.

    Raises:
        ValueError: if the message is no tensor, or one of more than a million elements that
            holds fewer values.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError(f"no shape of a tensor: {shape}")
    size = math.prod(shape)
    if size > _MOST_FILLED and size > proto.ByteSize():
        raise ValueError(f"{size} elements in a message of {proto.ByteSize()} bytes")
    if proto.dtype not in _VALUE_FIELDS or proto.tensor_content:
        return _parsed(proto)
    field, dtype = _VALUE_FIELDS[proto.dtype]
    values = np.array(getattr(proto, field)[:size], dtype)
    if len(values) == size:
        return values.reshape(shape)
    last = values[-1] if len(values) else (b"" if dtype is object else dtype())
    return np.append(values, np.full(size - len(values), last, dtype)).reshape(shape)


def to_proto(value: object, dtype: int) -> tensor_pb2.TensorProto:
    """A computed value in the field of its dtype; a rarer dtype as raw bytes."""
    if dtype not in _VALUE_FIELDS:
        return tf.make_tensor_proto(np.asarray(value, dtype=tf.as_dtype(dtype).as_numpy_dtype))
    field, element = _VALUE_FIELDS[dtype]
    array = np.asarray(value, dtype=element)
    shape = tf.TensorShape(array.shape).as_proto()
    values = {field: array.ravel().tolist()}
    return tensor_pb2.TensorProto(dtype=dtype, tensor_shape=shape, **values)


def _parsed(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The tensor as TensorFlow itself reads it, which takes longer.

    Raises:
        ValueError: if it cannot.
    """
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype)).numpy()
    except (TypeError, tf.errors.OpError, NotImplementedError) as error:
        raise ValueError("no tensor") from error
