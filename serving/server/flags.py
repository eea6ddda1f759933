"""What `lyrics serve` is told, in the flags of tensorflow_model_server. No TensorFlow here.

Those that mean something to the local server; other_flags.py has the others.

Source: TF Serving, model_servers/main.cc.
"""

from dataclasses import dataclass
from pathlib import Path

from modules.checks import FIRST, Options, option
from modules.contract import GRPC_PORT, MODEL_NAME
from modules.errors import ConfigError

VERSIONS, LISTENING, COMPUTING = "Versions", "Listening", "Computing"  # headings of the flags


@dataclass(frozen=True)
class ServerOptions(Options):
    """The flags of tensorflow_model_server that the local server has too, by their names.

    `host` and `shutdown_grace_seconds` are its own: TF Serving listens on all interfaces, and stops
    at once.
    """

    model_base_path: str = option(
        "",
        "Directory of the pushed versions, each named by its number.",
        group=FIRST,
        metavar="DIR",
    )
    model_name: str = option(MODEL_NAME, "Name in requests.", group=FIRST)
    model_config_file: str = option(
        "",
        "ModelServerConfig (text) of several models, or versions, in place of these two.",
        group=VERSIONS,
        shown="none",
        metavar="FILE",
    )
    model_config_file_poll_wait_seconds: float = option(
        0, "Seconds between two reads of that file; 0 reads it once.", low=0, group=VERSIONS
    )
    allow_version_labels_for_unavailable_models: bool = option(
        False,
        "Let a new label name a version that is yet to load: that file's, at the start.",
        group=VERSIONS,
    )
    host: str = option(
        "127.0.0.1", "Interface of the local server; TF Serving listens on all.", group=FIRST
    )
    port: int = option(
        GRPC_PORT,
        "gRPC port; 0 lets the local server pick a free one.",
        low=0,
        high=65535,
        group=FIRST,
    )
    rest_api_port: int = option(
        0,
        "HTTP port for TF Serving's REST API.",
        low=0,
        high=65535,
        group=FIRST,
        shown="no REST",
    )
    rest_api_timeout_in_ms: int = option(
        30_000, "Milliseconds that a REST request may take.", low=1, group=LISTENING
    )
    rest_api_num_threads: int = option(
        0,
        "REST requests answered at a time; further ones wait.",
        low=0,
        group=COMPUTING,
        shown="as many as gRPC calls",
    )
    rest_api_enable_cors_support: bool = option(
        False, "Let web pages of any origin ask the REST API.", group=LISTENING
    )
    monitoring_config_file: str = option(
        "",
        "MonitoringConfig (text): metrics for Prometheus, on the HTTP port.",
        group=LISTENING,
        shown="none",
        metavar="FILE",
    )
    file_system_poll_wait_seconds: float = option(
        1, "Seconds between two looks for a new version; 0 looks once.", low=0, group=VERSIONS
    )
    enable_batching: bool = option(
        False, "Run requests of several callers together.", group=COMPUTING
    )
    batching_parameters_file: str = option(
        "",
        "BatchingParameters (text): how large batches are and how long they wait.",
        group=COMPUTING,
        shown="TF Serving's defaults",
        metavar="FILE",
    )
    ssl_config_file: str = option(
        "",
        "SSLConfig (text): key and certificates.",
        group=LISTENING,
        shown="no TLS",
        metavar="FILE",
    )
    grpc_socket_path: str = option(
        "", "Unix socket to listen on besides.", group=LISTENING, shown="none", metavar="PATH"
    )
    grpc_channel_arguments: str = option(
        "",
        "Settings of gRPC's server, such as grpc.max_connection_age_ms=2000, comma-separated.",
        group=LISTENING,
        shown="none",
    )
    grpc_max_threads: int = option(
        128, "Calls answered at a time; further ones are refused.", low=1, group=COMPUTING
    )
    enable_model_warmup: bool = option(
        True,
        "Answer the requests that travel with a version before all others.",
        group=VERSIONS,
    )
    num_request_iterations_for_warmup: int = option(
        0, "Times that each of these requests is answered.", low=0, group=VERSIONS, shown="once"
    )
    xla_cpu_compilation_enabled: bool = option(
        False,
        "Let models be compiled: generate_xla, of a model trained with --xla, needs it.",
        group=COMPUTING,
    )
    tensorflow_session_parallelism: int = option(
        0,
        "Both of the following, where neither is given.",
        low=0,
        group=COMPUTING,
        shown="one for each processor",
    )
    tensorflow_intra_op_parallelism: int = option(
        0,
        "Threads that share an operation; 1 does best where many ask at once.",
        low=0,
        group=COMPUTING,
        shown="one for each processor",
    )
    tensorflow_inter_op_parallelism: int = option(
        0,
        "Threads that run operations side by side; -1 is none but the request's own, which does "
        "best where few ask.",
        low=-1,
        group=COMPUTING,
        shown="one for each processor",
    )
    shutdown_grace_seconds: float = option(
        20,
        "Seconds that requests under way have to end after SIGTERM; the local server's alone.",
        low=0,
        group=LISTENING,
    )
    max_num_load_retries: int = option(
        5, "Further tries to load a version that could not be.", low=0, group=VERSIONS
    )
    load_retry_interval_micros: int = option(
        60_000_000, "Microseconds between two tries.", low=0, group=VERSIONS
    )

    @property
    def base_uri(self) -> str:
        """The base path as TF Serving takes it: a URI, or absolute."""
        path = self.model_base_path
        return path if "://" in path else str(Path(path).resolve())

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.model_base_path) == bool(self.model_config_file):
            raise ConfigError(
                "{model_base_path} and {model_config_file}: give exactly one of them", vars(self)
            )
        if self.batching_parameters_file and not self.enable_batching:
            raise ConfigError(
                "{batching_parameters_file} without {enable_batching.name}: set this too",
                vars(self),
            )
        each = self.tensorflow_intra_op_parallelism, self.tensorflow_inter_op_parallelism
        if self.tensorflow_session_parallelism > 0 and min(each) > 0:
            raise ConfigError(
                "{tensorflow_session_parallelism}, {tensorflow_intra_op_parallelism} and "
                "{tensorflow_inter_op_parallelism}: give the first, or the other two",
                vars(self),
            )
