"""The gRPC services of TF Serving, answered from Python.

Codes and sentences are the ones of tensorflow/serving (predict_util.cc,
get_model_metadata_impl.cc, get_model_status_impl.cc, classifier.cc), so that a client finds
no difference. An error is a `tf.errors.OpError` until it leaves the server: TensorFlow's
codes and gRPC's are the same numbers.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.servable import invalid_argument
from serving.versions import ModelVersions, not_found

Models = Mapping[str, ModelVersions]

SIGNATURE_DEF = "signature_def"  # the one metadata field there is
_STATUS_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_LONGEST_MESSAGE = 1024  # characters, as in TF Serving: gRPC sends it as a header


def _answer(method: Callable) -> Callable:
    """Makes a TensorFlow error that a method raises the gRPC status of its answer."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            if not request.HasField("model_spec"):
                raise invalid_argument("Missing ModelSpec")
            return method(self, request, context)
        except tf.errors.OpError as error:
            context.abort(_STATUS_CODES[error.error_code], _message(error))

    return answer


def _message(error: tf.errors.OpError) -> str:
    message = error.message.removeprefix("Graph execution error:\n\n")  # Python's session adds it
    if len(message) > _LONGEST_MESSAGE:
        return f"{message[:_LONGEST_MESSAGE]}...TRUNCATED"
    return message


def _version(spec: model_pb2.ModelSpec) -> int | None:
    """The version that a request insists on."""
    if spec.version_label:
        raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
    return spec.version.value if spec.HasField("version") else None


def _use(models: Models, spec: model_pb2.ModelSpec) -> Any:
    """Lends the servable that a request asks for; see `ModelVersions.use`."""
    if not spec.name:
        raise invalid_argument("ModelSpec has no name specified.")
    version = _version(spec)
    if spec.name not in models:
        raise not_found(spec.name, version)
    return models[spec.name].use(version)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict and GetModelMetadata; the others as for a model without their signatures."""

    def __init__(self, models: Models) -> None:
        self._models = models

    @_answer
    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs one signature of the served version."""
        signature_name = _signature_name(request.model_spec)
        with _use(self._models, request.model_spec) as servable:
            outputs = servable.predict(signature_name, request.inputs, list(request.output_filter))
            spec = _served_spec(request.model_spec.name, servable.version)
        spec.signature_name = signature_name
        return predict_pb2.PredictResponse(model_spec=spec, outputs=outputs)

    @_answer
    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Gives the SignatureDefs of the served version."""
        _check_metadata_fields(request.metadata_field)
        with _use(self._models, request.model_spec) as servable:
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
            spec = _served_spec(request.model_spec.name, servable.version)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    @_answer
    def Classify(self, request: Any, context: grpc.ServicerContext) -> None:
        """Says that the signature classifies nothing."""
        self._refuse(request.model_spec, "classification", tf.saved_model.CLASSIFY_METHOD_NAME)

    @_answer
    def Regress(self, request: Any, context: grpc.ServicerContext) -> None:
        """Says that the signature regresses nothing."""
        self._refuse(request.model_spec, "regression", tf.saved_model.REGRESS_METHOD_NAME)

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> None:
        """Is for Classify and Regress together: not here."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "this server has no MultiInference")

    def _refuse(self, spec: model_pb2.ModelSpec, kind: str, method_name: str) -> None:
        """Says what the signature is instead of a classification or regression.

        `tf.saved_model.save` makes signatures for Predict only, so there is nothing to run.
        """
        name = _signature_name(spec)
        with _use(self._models, spec) as servable:
            signature = servable.signatures.get(name)
        if signature is None:
            raise invalid_argument(f"No signature was found with the name: {name}")
        if signature.method_name == method_name:
            raise tf.errors.UnimplementedError(None, None, f"this server has no {kind}")
        raise invalid_argument(
            f"Expected {kind} signature method_name to be {method_name}. "
            f"Was: {signature.method_name}",
        )


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus."""

    def __init__(self, models: Models) -> None:
        self._models = models

    @_answer
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells how the versions of a model stand, newest first."""
        name, version = request.model_spec.name, _version(request.model_spec)
        statuses = self._models[name].statuses() if name in self._models else []
        if version is not None:
            statuses = [status for status in statuses if status.version == version]
        if not statuses:
            wanted = "any versions" if version is None else f"version {version}"
            raise tf.errors.NotFoundError(None, None, f"Could not find {wanted} of model {name}")
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=statuses)

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> None:
        """Is for a change of models at run time: not here."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED, "this server serves the model it was started with"
        )


def _signature_name(spec: model_pb2.ModelSpec) -> str:
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def _served_spec(name: str, version: int) -> model_pb2.ModelSpec:
    """What answered."""
    spec = model_pb2.ModelSpec(name=name)
    spec.version.value = version
    return spec


def _check_metadata_fields(fields: Any) -> None:
    if not fields:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for field in fields:
        if field != SIGNATURE_DEF:
            raise invalid_argument(f"Metadata field {field} is not supported")
