"""`lyrics serve`: TF Serving where it is installed, else the local server. No TensorFlow here."""

import logging
import os
import shutil
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from modules.checks import options_of
from modules.errors import ServingError
from serving.server.flags import ServerOptions
from serving.server.other_flags import heed

TENSORFLOW_MODEL_SERVER = "tensorflow_model_server"

# The flags of which more has to be said, and those that are the local server's alone.
_SAID_APART = {
    *("host", "shutdown_grace_seconds"),
    *("port", "rest_api_port", "model_base_path", "model_name", "model_config_file"),
    *("model_config_file_poll_wait_seconds", "allow_version_labels_for_unavailable_models"),
}

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
        signals.recv(1)


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
        *(
            _flag(option.name, value)
            for option in options_of(ServerOptions)
            if option.name not in _SAID_APART
            and ((value := getattr(options, option.name)) or option.default)
        ),
    ]


def _flag(name: str, value: object) -> str:
    """`--name=value`, with true and false as TF Serving spells them, and whole seconds."""
    if isinstance(value, bool):
        value = str(value).lower()
    return f"--{name}={value:.0f}" if isinstance(value, float) else f"--{name}={value}"


def _what_to_serve(options: ServerOptions) -> list[str]:
    """The flags that say which models and versions."""
    if not options.model_config_file:
        return [f"--model_name={options.model_name}", f"--model_base_path={options.base_uri}"]
    names = ("model_config_file", "model_config_file_poll_wait_seconds")
    labels = "allow_version_labels_for_unavailable_models"
    return [_flag(name, getattr(options, name)) for name in (*names, labels)]


@contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """Receives SIGTERM and SIGINT, a byte each, instead of what they did before."""
    # The kernel may hand a signal to any thread, and no lock on which this one waits then wakes it.
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, lambda *_: None) for number in numbers}
    previous_fd = signal.set_wakeup_fd(sender.fileno())
    try:
        yield receiver
    finally:
        signal.set_wakeup_fd(previous_fd)
        for number, handler in previous.items():
            signal.signal(number, handler)
        receiver.close()
        sender.close()
