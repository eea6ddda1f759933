"""Why a signature cannot classify or regress, in TF Serving's words.

What `tf.saved_model.save` makes is for Predict, and so is all that this project pushes: there is
nothing to run here, only to refuse. As TF Serving does unless told otherwise, the method name
of a signature is not looked at, but what goes in and out.

Source: TF Serving, servables/tensorflow/classifier.cc, regressor.cc and multi_inference.cc.
"""

from collections.abc import Mapping
from typing import NoReturn

import tensorflow as tf
from tensorflow_serving.apis.inference_pb2 import InferenceTask

from serving.protocol.protos import meta_graph_pb2
from serving.server.refusals import invalid_argument

CLASSIFY = tf.saved_model.CLASSIFY_METHOD_NAME
REGRESS = tf.saved_model.REGRESS_METHOD_NAME
Signatures = Mapping[str, meta_graph_pb2.SignatureDef]


def refuse(signatures: Signatures, name: str, method_name: str) -> NoReturn:
    """Says why the signature is not one for Classify, or Regress.

    Raises:
        tf.errors.InvalidArgumentError: if there is no such signature, or it is for Predict.
        tf.errors.UnimplementedError: if it would be one.
    """
    if name not in signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    _check(signatures[name], method_name)
    raise _unimplemented(method_name)


def refuse_all(signatures: Signatures, tasks: list[tuple[str, InferenceTask]]) -> NoReturn:
    """Says why the tasks of a MultiInference cannot be done together.

    Args:
        signatures: of the model that the first task names.
        tasks: each with the name of its signature.

    Raises:
        tf.errors.InvalidArgumentError: if a task names no model or another one, or a signature
            that is not there, was named before or is for Predict.
        tf.errors.UnimplementedError: if a task is neither Classify nor Regress, or could be done.
    """
    seen: set[str] = set()
    for name, task in tasks:
        _check_model(tasks[0][1], task)
        if name in seen:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise tf.errors.UnimplementedError(
                None, None, f"Unsupported signature method_name: {task.method_name}"
            )
        _check(signatures[name], task.method_name)
    raise _unimplemented("MultiInference")


def _check_model(first: InferenceTask, task: InferenceTask) -> None:
    if not task.model_spec.name:
        raise invalid_argument("Found ModelSpec with an empty model name.")
    if task.model_spec.name != first.model_spec.name:
        raise invalid_argument(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )


def _check(signature: meta_graph_pb2.SignatureDef, method_name: str) -> None:
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    (_check_classification if method_name == CLASSIFY else _check_regression)(signature)


def _check_classification(signature: meta_graph_pb2.SignatureDef) -> None:
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if tf.saved_model.CLASSIFY_INPUTS not in signature.inputs:
        raise invalid_argument(f"No classification inputs found in SignatureDef: {signature}")
    classes, scores = tf.saved_model.CLASSIFY_OUTPUT_CLASSES, tf.saved_model.CLASSIFY_OUTPUT_SCORES
    if not {classes, scores} & set(signature.outputs):
        raise invalid_argument(
            "Expected classification signature outputs to contain at least one of "
            f'"{classes}" or "{scores}". Signature was: {signature}'
        )


def _check_regression(signature: meta_graph_pb2.SignatureDef) -> None:
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if tf.saved_model.REGRESS_INPUTS not in signature.inputs:
        raise invalid_argument(f"No regression inputs found in SignatureDef: {signature}")
    if tf.saved_model.REGRESS_OUTPUTS not in signature.outputs:
        raise invalid_argument(f"No regression outputs found in SignatureDef: {signature}")


def _unimplemented(what: str) -> tf.errors.UnimplementedError:
    return tf.errors.UnimplementedError(None, None, f"the local server does no {what}")
