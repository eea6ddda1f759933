import math

import pytest

from modules.errors import InvalidRequest, ServingError
from serving.protocol.protos import tensor_pb2, types_pb2
from serving.protocol.tensors import to_list, to_proto

pytestmark = pytest.mark.fast


def proto(dtype, shape, **values) -> tensor_pb2.TensorProto:
    made = tensor_pb2.TensorProto(dtype=dtype, **values)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


@pytest.mark.parametrize(
    ("values", "dtype", "field"),
    [
        ([0.5, math.inf], types_pb2.DT_FLOAT, "float_val"),
        ([-(2**31), 3], types_pb2.DT_INT32, "int_val"),
        ([2**63 - 1], types_pb2.DT_INT64, "int64_val"),
        ([True, False], types_pb2.DT_BOOL, "bool_val"),
    ],
)
def test_numbers_there_and_back(values, dtype, field):
    sent = to_proto("x", values, dtype)
    assert list(getattr(sent, field)) == values
    assert [dim.size for dim in sent.tensor_shape.dim] == [len(values)]
    assert to_list(sent) == values


def test_texts_are_sent_as_utf_8():
    sent = to_proto("prefix", ["分", ""], types_pb2.DT_STRING)
    assert to_list(sent) == ["分".encode(), b""]


@pytest.mark.parametrize(
    ("values", "dtype", "sentence"),
    [
        (["a\ud800"], types_pb2.DT_STRING, r"seed 'a\\ud800' has something at character 2 that"),
        ([2**31], types_pb2.DT_INT32, "seed cannot be sent as DT_INT32: .*out of range"),
        (["x"], types_pb2.DT_FLOAT, "seed cannot be sent as DT_FLOAT"),
    ],
)
def test_what_cannot_be_sent(values, dtype, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        to_proto("seed", values, dtype)


def test_rows_are_lists_in_a_list():
    assert to_list(proto(types_pb2.DT_STRING, [2, 1], string_val=[b"a", b"b"])) == [[b"a"], [b"b"]]
    assert to_list(proto(types_pb2.DT_FLOAT, [2, 0])) == [[], []]


def test_every_layout_of_values_is_read():
    """As tensor.proto allows: raw bytes, and a last value that stands for the rest."""
    raw = b"\x01\x00\x00\x00\x02\x00\x00\x00"
    assert to_list(proto(types_pb2.DT_INT32, [2], tensor_content=raw)) == [1, 2]
    assert to_list(proto(types_pb2.DT_INT64, [2, 2], int64_val=[7, 8])) == [[7, 8], [8, 8]]


def test_a_type_of_others():
    with pytest.raises(ServingError, match="a tensor of DT_COMPLEX64: ask a model"):
        to_list(proto(types_pb2.DT_COMPLEX64, [1]))
