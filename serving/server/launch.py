"""`lyrics serve`: TF Serving where it is installed, else the local server. No TensorFlow here."""

import logging
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue

from modules.errors import ServingError
from serving.server.flags import ServerOptions
from serving.server.other_flags import heed

TENSORFLOW_MODEL_SERVER = "tensorflow_model_server"

# Flags that both servers have, which TF Serving is told where they are set.
_SHARED_FLAGS = (
    "enable_batching",
    "batching_parameters_file",
    "rest_api_num_threads",
    "rest_api_timeout_in_ms",
    "rest_api_enable_cors_support",
    "monitoring_config_file",
    "ssl_config_file",
    "grpc_socket_path",
    "grpc_channel_arguments",
    "grpc_max_threads",
    "num_request_iterations_for_warmup",
    "xla_cpu_compilation_enabled",
    "tensorflow_session_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
)

_logger = logging.getLogger(__name__)


def serve(options: ServerOptions, others: Mapping[str, str] | None = None) -> None:
    """Serves models until SIGTERM or SIGINT. Call it from the main thread.

    Where `tensorflow_model_server` is on the PATH it takes this process's place, so signals and
    the exit status are its own. It has no option for the interface: it listens on all of them,
    whatever `host` says.

    Args:
        options: the flags that both servers have.
        others: `OTHER_FLAGS` that are given, and their values: for TF Serving.

    Raises:
        ConfigError: if the local server refuses one of the others.
        ServingError: if the server cannot be started.
    """
    others = others or {}
    if binary := shutil.which(TENSORFLOW_MODEL_SERVER):
        command = tensorflow_model_server_command(binary, options)
        command += [_flag(name, value) for name, value in others.items()]
        _logger.info("%s", " ".join(command))
        os.execv(binary, command)
    heed(others)
    _logger.info("no %s on the PATH: starting the local server", TENSORFLOW_MODEL_SERVER)
    # TensorFlow: not needed where TF Serving is.
    from serving.server.runtime import process
    from serving.server.server import ModelServer

    process.configure(options)
    with _stop_signals() as signals, ModelServer(options):
        signals.get()


def tensorflow_model_server_command(binary: str, options: ServerOptions) -> list[str]:
    """The command line that makes TF Serving serve what the local server would.

    Raises:
        ServingError: if the port is 0, by which TF Serving means no gRPC at all.
    """
    if options.port == 0:
        raise ServingError(
            "{port} switches off the gRPC of {binary}: give the number of a free port",
            vars(options),
            binary=binary,
        )
    return [
        binary,
        f"--port={options.port}",
        f"--rest_api_port={options.rest_api_port}",
        *_what_to_serve(options),
        f"--file_system_poll_wait_seconds={options.file_system_poll_wait_seconds:.0f}",
        f"--enable_model_warmup={str(options.enable_model_warmup).lower()}",
        f"--max_num_load_retries={options.max_num_load_retries}",
        f"--load_retry_interval_micros={options.load_retry_interval_micros}",
        *(_flag(name, value) for name in _SHARED_FLAGS if (value := getattr(options, name))),
    ]


def _flag(name: str, value: object) -> str:
    """`--name=value`, with true and false as TF Serving spells them."""
    return f"--{name}={str(value).lower() if isinstance(value, bool) else value}"


def _what_to_serve(options: ServerOptions) -> list[str]:
    """The flags that say which models and versions."""
    if not options.model_config_file:
        return [f"--model_name={options.model_name}", f"--model_base_path={options.base_uri}"]
    seconds = options.model_config_file_poll_wait_seconds
    return [
        f"--model_config_file={options.model_config_file}",
        f"--model_config_file_poll_wait_seconds={seconds:.0f}",
        _flag(
            "allow_version_labels_for_unavailable_models",
            options.allow_version_labels_for_unavailable_models,
        ),
    ]


@contextmanager
def _stop_signals() -> Iterator[SimpleQueue[int]]:
    """Gets SIGTERM and SIGINT, instead of what they did before."""
    # An Event would wait for ever if the signal came while it is about to wait.
    signals: SimpleQueue[int] = SimpleQueue()
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = {
        number: signal.signal(number, lambda number, _: signals.put(number)) for number in numbers
    }
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
