"""Every dtype is read as TensorFlow reads it, from each layout that TensorFlow writes."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.protocol.tensors import to_array, to_proto

DTYPES = [
    tf.float32, tf.float64, tf.float16, tf.bfloat16,
    tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64,
    tf.complex64, tf.complex128, tf.bool,
]  # fmt: skip
QUANTISED = [tf.qint8, tf.qint16, tf.qint32, tf.quint8, tf.quint16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers(dtype):
    array = tf.cast(tf.constant([[0, 1, 3]]), dtype).numpy()
    as_bytes = tf.make_tensor_proto(array)
    as_values = tensor_pb2.TensorProto.FromString(tf.io.serialize_tensor(array).numpy())
    for proto in (as_bytes, as_values, to_proto(array, dtype.as_datatype_enum)):
        read = to_array(proto)
        assert read.dtype == array.dtype
        assert read.tolist() == array.tolist() == tf.make_ndarray(proto).tolist()


@pytest.mark.parametrize("dtype", QUANTISED)
def test_quantised_numbers(dtype):
    proto = to_proto(np.array([1, 3]), dtype.as_datatype_enum)
    parsed = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    read = to_array(proto)
    assert read.dtype == parsed.dtype
    assert read.tolist() == parsed.tolist() == [1, 3]


def test_strings():
    array = np.array([b"a\0", "春".encode() * 99, b""], object)
    length = [2, 169, 2, 0]  # 2, 297 and 0 as varints
    content = bytes(length) + b"".join(array)
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_content=content)
    proto.tensor_shape.dim.add(size=3)
    parsed = tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy()
    assert to_array(proto).tolist() == parsed.tolist() == array.tolist()
