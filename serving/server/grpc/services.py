"""The gRPC services of TF Serving, answered from Python.

Codes and sentences are the ones of TF Serving, so that a client finds no difference. An error is
a `tf.errors.OpError` until it leaves the server: TensorFlow's codes and gRPC's are the same
numbers.

Source: TF Serving, model_servers/prediction_service_impl.cc, model_servers/model_service_impl.cc
and servables/tensorflow/get_model_metadata_impl.cc.
"""

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.protocol.protos import SIGNATURE_DEF
from serving.server import inference
from serving.server.monitoring import Metrics
from serving.server.refusals import invalid_argument, status_code
from serving.server.runtime.loaded_model import signature_name
from serving.server.versions import model_config
from serving.server.versions.served_models import Models

_LONGEST_MESSAGE = 1024  # bytes, as in TF Serving: gRPC sends it as a header

_logger = logging.getLogger(__name__)


def _answer(method: Callable) -> Callable:
    """Makes a TensorFlow error that a method raises the gRPC status of its answer."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except tf.errors.OpError as error:
            context.abort(status_code(error), _message(error))

    return answer


def _counted(method: Callable) -> Callable:
    """Counts the requests of a method."""

    @functools.wraps(method)
    def counted(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        with self._metrics.request(request.model_spec.name, method.__name__, "GRPC"):
            return method(self, request, context)

    return counted


def _message(error: tf.errors.OpError) -> str:
    """What the error says, cut as in model_servers/grpc_status_util.cc."""
    message = error.message.encode()
    if len(message) > _LONGEST_MESSAGE:
        return f"{message[:_LONGEST_MESSAGE].decode(errors='ignore')}...TRUNCATED"
    return message.decode()


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict and GetModelMetadata, and refuses what needs other signatures."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self._models = models
        self._metrics = metrics

    @_answer
    @_counted
    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs one signature of the served version."""
        _check_model_spec(request)
        name = signature_name(request.model_spec)
        with self._models.use(request.model_spec) as model:
            with self._metrics.runtime(request.model_spec.name, "Predict"):
                outputs = model.predict(name, request.inputs, list(request.output_filter), context)
            spec = _served_spec(request.model_spec.name, model.version)
        spec.signature_name = name
        return predict_pb2.PredictResponse(model_spec=spec, outputs=outputs)

    @_answer
    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Gives the SignatureDefs of the served version."""
        _check_model_spec(request)
        _check_metadata_fields(request.metadata_field)
        with self._models.use(request.model_spec) as model:
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=model.signatures)
            spec = _served_spec(request.model_spec.name, model.version)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    @_answer
    @_counted
    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> None:
        """Says that the signature classifies nothing."""
        self._refuse(request, inference.CLASSIFY)

    @_answer
    @_counted
    def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> None:
        """Says that the signature regresses nothing."""
        self._refuse(request, inference.REGRESS)

    @_answer
    def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> None:
        """Says that the signatures neither classify nor regress."""
        tasks = [(signature_name(task.model_spec), task) for task in request.tasks]
        spec = tasks[0][1].model_spec if tasks else model_pb2.ModelSpec()
        with self._models.use(spec) as model:
            inference.refuse_all(model.signatures, tasks)

    def _refuse(self, request: Any, method_name: str) -> None:
        _check_model_spec(request)
        with self._models.use(request.model_spec) as model:
            inference.refuse(model.signatures, signature_name(request.model_spec), method_name)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus, and serves other models or versions when it is told to."""

    def __init__(self, models: Models) -> None:
        self._models = models

    @_answer
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells how the versions of a model stand, newest first."""
        _check_model_spec(request)
        statuses = self._models.statuses(request.model_spec)
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=statuses)

    @_answer
    def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves what the new config says; see `Models.reload`."""
        if request.config.WhichOneof("config") != model_config.LIST:
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        try:
            self._models.reload(request.config)
        except tf.errors.OpError as error:
            _logger.error("the new config cannot be served: %s", error.message)
            raise
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")


def _served_spec(name: str, version: int) -> model_pb2.ModelSpec:
    """What answered."""
    spec = model_pb2.ModelSpec(name=name)
    spec.version.value = version
    return spec


def _check_metadata_fields(fields: Iterable[str]) -> None:
    if not fields:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for field in fields:
        if field != SIGNATURE_DEF:  # a placeholder that TF Serving never fills in
            raise invalid_argument(f"Metadata field {field} is not supported")
