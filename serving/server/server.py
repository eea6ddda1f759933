"""A local stand-in for TF Serving: the same gRPC services and REST API, in Python."""

import logging
from pathlib import Path

from grpc_health.v1 import health_pb2_grpc
from tensorflow.errors import OpError, UnknownError
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from modules.errors import ConfigError, ServingError
from serving.server.batching.batching_model import BatchingModel
from serving.server.batching.parameters import BatchingOptions
from serving.server.batching.scheduler import BatchScheduler
from serving.server.flags import ServerOptions
from serving.server.grpc.health import Health
from serving.server.grpc.ports import address, listen, make_grpc_server
from serving.server.grpc.services import ModelService, PredictionService
from serving.server.monitoring import Metrics
from serving.server.periodic import Periodic
from serving.server.rest.api import RestApi
from serving.server.rest.http_server import HttpServer
from serving.server.runtime.loaded_model import LoadedModel
from serving.server.versions import model_config
from serving.server.versions.lifecycle import Loading
from serving.server.versions.served_models import Models

_MANAGE_SECONDS = 0.1  # between two looks whether a version is due, as TF Serving
_logger = logging.getLogger(__name__)


class ModelServer:
    """Serves models until it is stopped.

        with ModelServer(ServerOptions("serving_model", port=0)) as server:
            client = LyricsClient(server.target)

    Attributes:
        port: the port it listens on for gRPC; once started never 0.
        rest_api_port: the port it listens on for HTTP; 0 is none.
    """

    def __init__(self, options: ServerOptions) -> None:
        """Prepares a server; `start`, or entering it, begins to serve.

        Args:
            options: what to serve, and where.

        Raises:
            ConfigError: if the options, or the files that they name, make no sense.
            ServingError: if the base path is no directory.
        """
        self.port = options.port
        self.rest_api_port = options.rest_api_port
        self._options = options
        self._config = _first_config(options)
        self._metrics = Metrics()
        self._scheduler = _scheduler(options, self._metrics)
        self._models = Models(
            Loading(
                self._load,
                options.enable_model_warmup,
                options.num_request_iterations_for_warmup,
                max_num_load_retries=options.max_num_load_retries,
                load_retry_interval_micros=options.load_retry_interval_micros,
                on_warm_up=self._metrics.warmed_up,
            ),
            options.allow_version_labels_for_unavailable_models,
        )
        self._periodics = [
            Periodic(self._models.poll, options.file_system_poll_wait_seconds),
            Periodic(self._models.manage, _MANAGE_SECONDS),
            Periodic(self._update_health, _MANAGE_SECONDS),
        ]
        if options.model_config_file:
            self._periodics.append(
                Periodic(self._read_config_again, options.model_config_file_poll_wait_seconds)
            )
        self._server = make_grpc_server(options)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self._models, self._metrics), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self._models), self._server
        )
        self._health = Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._http = self._http_server() if options.rest_api_port else None

    @property
    def target(self) -> str:
        """`host:port`, for a client."""
        return address(self._options.host, self.port)

    def start(self) -> None:
        """Loads what is there, then listens; TF Serving waits until all models are loaded.

        Raises:
            ConfigError: if `ssl_config_file` is none.
            ServingError: if a port is taken, or the config makes no sense.
        """
        self.port = listen(self._server, self._options)
        if self._http:
            self._http.listen()
        self._load_first()
        self._update_health()
        self._server.start()
        for periodic in self._periodics:
            periodic.start()
        _logger.info("listening on %s", self.target)
        if self._http:
            self._http.start()

    def stop(self, grace: float | None = None) -> None:
        """Takes no more requests, finishes those under way or queued, and unloads.

        Args:
            grace: seconds after which what is not finished is cancelled; None is the option's.
        """
        grace = self._options.shutdown_grace_seconds if grace is None else grace
        self._health.drain()
        stopped = self._server.stop(grace)
        if self._http:
            self._http.stop(grace)
        stopped.wait()
        for periodic in self._periodics:
            periodic.stop()
        self._models.close()
        if self._scheduler:
            self._scheduler.close()
        _logger.info("stopped listening on %s", self.target)

    def __enter__(self) -> "ModelServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _update_health(self) -> None:
        self._health.update(self._models.is_available())

    def _http_server(self) -> HttpServer:
        return HttpServer(RestApi(self._models, self._metrics), self._metrics, self._options)

    def _load(self, version: int, path: Path) -> LoadedModel:
        with self._metrics.load(str(path)):
            if self._scheduler:
                return BatchingModel(version, path, self._scheduler)
            return LoadedModel(version, path)

    def _load_first(self) -> None:
        try:
            self._models.reload(self._config)
        except UnknownError as error:  # it will be tried again, and its status says why
            _logger.warning("%s", error.message)
        except OpError as error:
            raise ServingError(
                "{model_config_file} cannot be served ({reason}): mend it; labels at the start "
                "need {allow_version_labels_for_unavailable_models:True}",
                vars(self._options),
                reason=error.message,
            ) from error

    def _read_config_again(self) -> None:
        """Serves what the config file says now; of one that makes no sense, nothing."""
        try:
            self._models.reload(model_config.read(self._options.model_config_file))
        except (ConfigError, OpError) as error:
            _logger.error("the config cannot be served: %s", error)


def _scheduler(options: ServerOptions, metrics: Metrics) -> BatchScheduler | None:
    """What puts requests together, where that is wished."""
    if not options.enable_batching:
        return None
    parameters = BatchingOptions.read(options.batching_parameters_file)
    return BatchScheduler(parameters, metrics.queued)


def _first_config(options: ServerOptions) -> ModelServerConfig:
    if options.model_config_file:
        return model_config.read(options.model_config_file)
    if "://" not in options.model_base_path and not Path(options.model_base_path).is_dir():
        raise ServingError(
            "{model_base_path} is no directory: give the one that holds a model's numbered "
            "versions, or run the pipeline until it has pushed one",
            vars(options),
        )
    return model_config.single(options.model_name, options.base_uri)
