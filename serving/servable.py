"""One version of a SavedModel, loaded and asked the way TF Serving loads and asks it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

# Where TF Serving puts the values of a response's tensors; the rarer dtypes go as raw bytes.
_VALUE_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}


def invalid_argument(message: str) -> tf.errors.InvalidArgumentError:
    """The error for a request that makes no sense."""
    return tf.errors.InvalidArgumentError(None, None, message)


class Servable:
    """A loaded version: one graph, one Session, and the signatures it answers.

    Answers may be asked for from several threads at once. What is wrong with a request is a
    `tf.errors.OpError`, whose code is also the one of gRPC.

    Attributes:
        version: the number its directory is named by.
        signatures: SignatureDefs by name.
    """

    def __init__(self, version: int, path: Path) -> None:
        """Loads `path` with the TF1 loader: tag `serve`, variables restored, tables filled.

        Raises:
            Exception: Of many types, since a broken SavedModel can be broken in many ways.
        """
        self.version = version
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            meta_graph = tf.compat.v1.saved_model.loader.load(
                self._session, [tf.saved_model.SERVING], str(path)
            )
        except BaseException:
            self._session.close()
            raise
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = dict(meta_graph.signature_def)

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        output_filter: Sequence[str] = (),
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Runs a signature.

        Args:
            signature_name: key of the signature.
            inputs: a tensor for each input that has no default.
            output_filter: the outputs to compute; none is all of them.

        Returns:
            The outputs by name.

        Raises:
            tf.errors.FailedPreconditionError: if there is no such signature.
            tf.errors.InvalidArgumentError: if the inputs or the filter do not fit the signature.
            tf.errors.OpError: whatever the graph raises.
        """
        if signature_name not in self.signatures:
            raise tf.errors.FailedPreconditionError(
                None, None, f'Serving signature key "{signature_name}" not found.'
            )
        signature = self.signatures[signature_name]
        feeds = _feeds(signature, inputs)
        fetches = _fetches(signature, output_filter)
        values = self._session.run({alias: info.name for alias, info in fetches.items()}, feeds)
        return {alias: _tensor_proto(values[alias], info.dtype) for alias, info in fetches.items()}

    def close(self) -> None:
        """Frees the session; no answer may be under way."""
        self._session.close()


def _set(names: Sequence[str] | set[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"


def _feeds(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, np.ndarray]:
    """Values to feed, by the name of the graph's tensor."""
    _check_names(signature, set(inputs))
    given = {**signature.defaults, **inputs}
    return {
        info.name: _array(alias, given[alias], info) for alias, info in signature.inputs.items()
    }


def _check_names(signature: meta_graph_pb2.SignatureDef, given: set[str]) -> None:
    """Raises, in TF Serving's words, if an input is missing or not the signature's."""
    known = set(signature.inputs)
    extra, missing = given - known, known - given - set(signature.defaults)
    if not extra and not missing:
        return
    if extra and len(given) == len(known):
        raise invalid_argument(
            f"input tensor alias not found in signature: {min(extra)}. "
            f"Inputs expected to be in the set {_set(known)}."
        )
    raise invalid_argument(
        f"input size does not match signature: {len(given)}!={len(known)} "
        f"len({_set(given)}) != len({_set(known)}). "
        f"Sent extra: {_set(extra)}. Missing but required: {_set(missing)}."
    )


def _array(
    alias: str, proto: tensor_pb2.TensorProto, info: meta_graph_pb2.TensorInfo
) -> np.ndarray:
    """Value of a tensor that was sent, if it has the dtype and shape of the signature.

    TF Serving itself leaves a wrong shape to the operations of the graph, which may broadcast
    it; here it never reaches them.
    """
    expected, shape = tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
    if proto.dtype != info.dtype:
        got = tf.as_dtype(proto.dtype).name if proto.dtype else "no dtype"
        raise invalid_argument(
            f"Expects input '{alias}' to be {expected.name} but {got} is provided"
        )
    try:
        array = tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid_argument(f"tensor parsing error: {alias}") from error
    if not shape.is_compatible_with(array.shape):
        raise invalid_argument(
            f"Expects input '{alias}' to have shape {shape} but {array.shape} is provided"
        )
    return array


def _fetches(
    signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]
) -> dict[str, meta_graph_pb2.TensorInfo]:
    """What to compute, by alias: the outputs that the filter names, or all."""
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_set(set(signature.outputs))}."
            )
        if output_filter.count(alias) > 1:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
    return {alias: signature.outputs[alias] for alias in output_filter or signature.outputs}


def _tensor_proto(value: object, dtype: int) -> tensor_pb2.TensorProto:
    """A computed value as TF Serving sends it: in the typed field of its dtype."""
    element = tf.as_dtype(dtype)
    array = np.asarray(value, dtype=element.as_numpy_dtype)
    if element not in _VALUE_FIELDS:
        return tf.make_tensor_proto(array)
    shape = tf.TensorShape(array.shape).as_proto()
    values = {_VALUE_FIELDS[element]: array.ravel().tolist()}
    return tensor_pb2.TensorProto(dtype=dtype, tensor_shape=shape, **values)
