"""One version of a SavedModel, loaded and asked the way TF Serving loads and asks it.

Source of the rules and of the sentences: TF Serving, servables/tensorflow/predict_util.cc.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.protocol.protos import (
    meta_graph_pb2,
    model_pb2,
    tensor_pb2,
    tensor_shape_pb2,
    types_pb2,
)
from serving.protocol.tensors import dtype_name, to_array, to_proto
from serving.server.refusals import failed_precondition, invalid_argument
from serving.server.runtime.callers import PATIENT, Caller, check_wanted
from serving.server.runtime.loaded_functions import LoadedFunctions


class LoadedModel:
    """A loaded version, and the signatures it answers.

    Answers may be asked for from several threads at once. What is wrong with a request is a
    `tf.errors.OpError`, whose code is also the one of gRPC.

    Attributes:
        version: the number its directory is named by.
        signatures: SignatureDefs by name.
    """

    def __init__(self, version: int, path: Path) -> None:
        """Loads `path`; raises what `LoadedFunctions` does."""
        self.version = version
        self._functions = LoadedFunctions(path)
        self.signatures = self._functions.signatures

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        output_filter: Sequence[str] = (),
        caller: Caller = PATIENT,
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Runs a signature.

        Args:
            signature_name: key of the signature.
            inputs: a tensor for each input; where the signature has defaults, they step in.
            output_filter: the outputs to answer with; none is all of them.
            caller: who waits for the answer; it is given up when nobody does any more.

        Returns:
            The outputs by name.

        Raises:
            tf.errors.FailedPreconditionError: if there is no such signature.
            tf.errors.InvalidArgumentError: if the inputs or the filter do not fit the signature.
            tf.errors.DeadlineExceededError: if the caller's deadline passes.
            tf.errors.OpError: whatever the graph raises.
        """
        if signature_name not in self.signatures:
            raise failed_precondition(f'Serving signature key "{signature_name}" not found.')
        signature = self.signatures[signature_name]
        arrays = _arrays(signature, inputs)
        wanted = _wanted(signature, output_filter)
        check_wanted(caller)
        outputs = self.run(signature_name, arrays, wanted, [caller])
        return {alias: to_proto(outputs[alias], info.dtype) for alias, info in wanted.items()}

    def run(
        self,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        wanted: Collection[str],
        callers: Sequence[Caller],
    ) -> dict[str, np.ndarray]:
        """Runs a signature; see `LoadedFunctions.run`."""
        return self._functions.run(signature_name, inputs, wanted, callers)

    def close(self) -> None:
        """Cancels what is under way, and frees the functions; may be called again."""
        self._functions.close()


def signature_name(spec: model_pb2.ModelSpec) -> str:
    """The signature that a request is for."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def _set(names: Collection[str]) -> str:
    return ",".join(sorted(names))


def _arrays(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, np.ndarray]:
    """A value for each input."""
    _check_number(signature, inputs)
    arrays = {
        alias: _array(alias, info.name, signature, inputs)
        for alias, info in sorted(signature.inputs.items())
    }
    if inputs.keys() - arrays.keys():
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_set(inputs.keys() & arrays)}, "
            f"request input: {_set(inputs)}"
        )
    _check_dtypes(signature, inputs)
    _check_shapes(signature, arrays)
    return arrays


def _check_number(signature: meta_graph_pb2.SignatureDef, inputs: Collection[str]) -> None:
    """Raises if there are more inputs than the signature has, or fewer that have no default."""
    expected, given = set(signature.inputs), set(inputs)
    if len(given) > len(expected) or (len(given) < len(expected) and not signature.defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(given)}!={len(expected)} "
            f"len({{{_set(given)}}}) != len({{{_set(expected)}}}). "
            f"Sent extra: {{{_set(given - expected)}}}. "
            f"Missing but required: {{{_set(expected - given)}}}."
        )


def _array(
    alias: str,
    feed_name: str,
    signature: meta_graph_pb2.SignatureDef,
    inputs: Mapping[str, tensor_pb2.TensorProto],
) -> np.ndarray:
    """Value of an input, or else its default.

    Source: TensorFlow, cc/saved_model/util.cc (GetInputValues).
    """
    if alias not in inputs and alias not in signature.defaults:
        raise invalid_argument(
            f"Signature input alias: {alias}(feed name: {feed_name}) not found in request and no "
            f"default value provided. Inputs expected to be in the request {{{_set(inputs)}}}, "
            f"or default input alias set: {_set(signature.defaults)}"
        )
    try:
        return to_array(inputs[alias] if alias in inputs else signature.defaults[alias])
    except ValueError as error:
        raise invalid_argument(f"tensor parsing error: {alias}") from error


def _check_dtypes(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> None:
    """Raises in the words of the graph, which numbers its inputs by the names of its tensors.

    Source: TensorFlow, core/framework/function.cc (FunctionCallFrame::SetArgs).
    """
    by_name = sorted(signature.inputs.items(), key=lambda item: item[1].name)
    for number, (alias, info) in enumerate(by_name):
        if alias in inputs and inputs[alias].dtype != info.dtype:
            raise invalid_argument(
                f"Expects arg[{number}] to be {dtype_name(info.dtype)} "
                f"but {dtype_name(inputs[alias].dtype)} is provided"
            )


def _check_shapes(signature: meta_graph_pb2.SignatureDef, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises if a shape is not the signature's.

    TF Serving itself leaves a wrong shape to the operations of the graph, which may broadcast
    it; here it never reaches them.
    """
    for alias, array in arrays.items():
        shape = signature.inputs[alias].tensor_shape
        if not _fits(shape, array.shape):
            raise invalid_argument(
                f"Expects input '{alias}' to have shape {tf.TensorShape(shape)} "
                f"but {array.shape} is provided"
            )


def _fits(expected: tensor_shape_pb2.TensorShapeProto, shape: tuple[int, ...]) -> bool:
    if expected.unknown_rank:
        return True
    sizes = [dim.size for dim in expected.dim]
    return len(sizes) == len(shape) and all(
        size in (-1, given) for size, given in zip(sizes, shape, strict=True)
    )


def _wanted(
    signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]
) -> dict[str, meta_graph_pb2.TensorInfo]:
    """What to answer with, by alias: the outputs that the filter names, or all."""
    wanted: dict[str, meta_graph_pb2.TensorInfo] = {}
    for alias in output_filter or signature.outputs:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{_set(signature.outputs)}}}."
            )
        if alias in wanted:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        info = wanted[alias] = signature.outputs[alias]
        if info.dtype == types_pb2.DT_INVALID:  # an operation, as the one that fills the tables
            raise invalid_argument(f"FetchOutputs {info.name}: output index too large, must be < 0")
    return wanted
