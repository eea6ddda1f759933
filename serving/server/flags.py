"""What `lyrics serve` is told, in the flags of tensorflow_model_server. No TensorFlow here."""

from dataclasses import dataclass

from modules.contract import GRPC_PORT, MODEL_NAME
from modules.errors import ConfigError


@dataclass(frozen=True)
class ServerOptions:
    """The flags of tensorflow_model_server that the local server has too, by their names.

    Attributes:
        model_base_path: directory with a model's versions, each in a subdirectory named by a
            positive integer.
        model_name: what requests call the model.
        model_config_file: text ModelServerConfig of many models, in place of these two.
        host: interface to listen on; TF Serving has no such flag and listens on all.
        port: gRPC port; 0 picks a free one.
        rest_api_port: HTTP port for REST and metrics; 0 is none.
        rest_api_timeout_in_ms: milliseconds that a REST request may take.
        monitoring_config_file: text MonitoringConfig; it may switch on metrics for Prometheus.
        file_system_poll_wait_seconds: seconds between two looks for a new version; 0 or less
            looks only once, at the start.
        enable_batching: whether requests of several callers run together.
        batching_parameters_file: text BatchingParameters; without one TF Serving's defaults hold.
        ssl_config_file: text SSLConfig; without one gRPC is not encrypted.
        grpc_socket_path: Unix socket to listen on besides.
        grpc_channel_arguments: `key=value` of gRPC's server, with commas between.
        grpc_max_threads: calls answered at a time; further ones are refused.
        model_config_file_poll_wait_seconds: seconds between two reads of that file; 0 or less
            reads it only once.
        enable_model_warmup: whether a version first answers the requests that travel with it.
        xla_cpu_compilation_enabled: whether models may have parts of them compiled by XLA.
        tensorflow_intra_op_parallelism: threads that compute one operation; 0 is as many as
            there are processors. Many small requests at once are served faster by one.
        tensorflow_inter_op_parallelism: threads that compute operations at the same time; 0
            alike, and -1 is none but the request's own.
        max_num_load_retries: further tries to load a version after the first.
        load_retry_interval_micros: between two tries, in microseconds.
        allow_version_labels_for_unavailable_models: whether a new label may be given to a
            version that is not available yet; labels at the start need it.
    """

    model_base_path: str = ""
    model_name: str = MODEL_NAME
    model_config_file: str = ""
    host: str = "127.0.0.1"
    port: int = GRPC_PORT
    rest_api_port: int = 0
    rest_api_timeout_in_ms: int = 30_000
    monitoring_config_file: str = ""
    file_system_poll_wait_seconds: float = 1
    enable_batching: bool = False
    batching_parameters_file: str = ""
    ssl_config_file: str = ""
    grpc_socket_path: str = ""
    grpc_channel_arguments: str = ""
    grpc_max_threads: int = 128
    model_config_file_poll_wait_seconds: float = 0
    enable_model_warmup: bool = True
    xla_cpu_compilation_enabled: bool = False
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    allow_version_labels_for_unavailable_models: bool = False

    def __post_init__(self) -> None:
        if bool(self.model_base_path) == bool(self.model_config_file):
            raise ConfigError(
                f"model_base_path={self.model_base_path!r} and "
                f"model_config_file={self.model_config_file!r}: give exactly one of them"
            )
        if self.batching_parameters_file and not self.enable_batching:
            raise ConfigError(
                f"batching_parameters_file={self.batching_parameters_file!r} without "
                "enable_batching: set this too"
            )
