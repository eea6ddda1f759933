import math

import numpy as np
import pytest

from serving.protocol.protos import tensor_pb2, types_pb2
from serving.protocol.tensors import dtype_name, to_array, to_proto

pytestmark = pytest.mark.fast


def proto(dtype, shape, **values) -> tensor_pb2.TensorProto:
    made = tensor_pb2.TensorProto(dtype=dtype, **values)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


def to_list(proto: tensor_pb2.TensorProto) -> list:
    return to_array(proto).tolist()


@pytest.mark.parametrize(
    ("values", "dtype", "field"),
    [
        ([0.5, math.inf], types_pb2.DT_FLOAT, "float_val"),
        ([-(2**31), 3], types_pb2.DT_INT32, "int_val"),
        ([2**63 - 1], types_pb2.DT_INT64, "int64_val"),
        ([True, False], types_pb2.DT_BOOL, "bool_val"),
        ([b"a\0", b""], types_pb2.DT_STRING, "string_val"),
    ],
)
def test_values_there_and_back(values, dtype, field):
    sent = to_proto(values, dtype)
    assert list(getattr(sent, field)) == values
    assert [dim.size for dim in sent.tensor_shape.dim] == [len(values)]
    assert to_list(sent) == values


def test_a_list_has_the_shape_that_is_given():
    assert to_list(to_proto([1, 2, 3, 4], types_pb2.DT_INT32, [2, 1, 2])) == [[[1, 2]], [[3, 4]]]
    assert to_list(to_proto([3], types_pb2.DT_INT32, [])) == 3


@pytest.mark.parametrize(
    ("array", "dtype", "message"),
    [
        (np.array([[1, 2]], np.int32), types_pb2.DT_INT32, {"int_val": [1, 2]}),
        (np.array([[b"a", b"b"]], object), types_pb2.DT_STRING, {"string_val": [b"a", b"b"]}),
        (np.array([[1, -2]], np.float16), types_pb2.DT_HALF, {"half_val": [0x3C00, 0xC000]}),
        (np.array([[1j, 2]]), types_pb2.DT_COMPLEX128, {"dcomplex_val": [0, 1, 2, 0]}),
    ],
)
def test_an_array_has_its_own_shape(array, dtype, message):
    assert to_proto(array, dtype) == proto(dtype, [1, 2], **message)


def test_a_scalar_has_no_dimensions():
    assert to_proto(b"ab", types_pb2.DT_STRING) == proto(
        types_pb2.DT_STRING, [], string_val=[b"ab"]
    )


@pytest.mark.parametrize(
    ("values", "dtype", "sentence"),
    [
        ([2**31], types_pb2.DT_INT32, "out of range"),
        ([b"x"], types_pb2.DT_FLOAT, "must be real number"),
        ([b"x"], types_pb2.DT_RESOURCE, "a tensor of the type 20, neither numbers nor strings"),
    ],
)
def test_what_cannot_be_sent(values, dtype, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_proto(values, dtype)


def test_rows_are_lists_in_a_list():
    assert to_list(proto(types_pb2.DT_STRING, [2, 1], string_val=[b"a", b"b"])) == [[b"a"], [b"b"]]
    assert to_list(proto(types_pb2.DT_FLOAT, [2, 0])) == [[], []]


@pytest.mark.parametrize(
    ("message", "values"),
    [
        (proto(types_pb2.DT_INT64, [2, 2], int64_val=[7, 8]), [[7, 8], [8, 8]]),
        (proto(types_pb2.DT_COMPLEX64, [2], scomplex_val=[1, 2]), [1 + 2j, 1 + 2j]),
        (proto(types_pb2.DT_INT32, [2], int_val=[7, 8, 9]), [7, 8]),
        (proto(types_pb2.DT_BOOL, [2]), [False, False]),
        (proto(types_pb2.DT_STRING, [2]), [b"", b""]),
    ],
)
def test_the_last_value_goes_on_and_too_many_are_cut(message, values):
    assert to_list(message) == values


def test_what_is_too_wide_for_its_dtype_is_cut():
    assert to_list(proto(types_pb2.DT_INT8, [2], int_val=[-1, 257])) == [-1, 1]


@pytest.mark.parametrize(
    ("dtype", "content", "values"),
    [
        (types_pb2.DT_INT32, b"\x01\0\0\0\x02\0\0\0", [1, 2]),
        (types_pb2.DT_HALF, b"\0\x3c\0\xc0", [1, -2]),
        (types_pb2.DT_STRING, b"\x01\x80\x01" + b"a" * 129, [b"a", b"a" * 128]),
    ],
)
def test_raw_bytes_are_read(dtype, content, values):
    assert to_list(proto(dtype, [2], tensor_content=content)) == values


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (tensor_pb2.TensorProto(dtype=1, tensor_shape={"unknown_rank": True}), "without a shape"),
        (proto(types_pb2.DT_FLOAT, [-1]), r"a tensor without a shape: \[-1\]"),
        (proto(types_pb2.DT_FLOAT, [2**20 + 1]), "1048577 elements in a message of 10 bytes"),
        (proto(types_pb2.DT_VARIANT, [1]), "a tensor of the type 21, neither"),
        (proto(types_pb2.DT_FLOAT, [1], tensor_content=b"abc"), "buffer size must be a multiple"),
        (proto(types_pb2.DT_FLOAT, [2], tensor_content=b"abcd"), "4 bytes for 2 elements"),
        (proto(types_pb2.DT_STRING, [1], tensor_content=b"\x02a"), "1 bytes for strings of 2"),
        (proto(types_pb2.DT_STRING, [2], tensor_content=b"\0"), "a string without a length"),
        (proto(types_pb2.DT_STRING, [1], tensor_content=b"\xff" * 9), "a string without a length"),
    ],
)
def test_what_is_no_tensor(message, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_array(message)


def test_dtypes_have_the_names_that_tensorflow_writes():
    assert dtype_name(types_pb2.DT_FLOAT) == "float"
