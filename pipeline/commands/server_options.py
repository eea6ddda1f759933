"""The flags of `lyrics serve`: those of tensorflow_model_server, each a field of ServerOptions."""

from collections.abc import Callable
from typing import Any

import click

from pipeline.commands.pipeline_options import POSITIVE
from pipeline.config import PRESETS
from serving.server.flags import ServerOptions

_NATURAL = click.IntRange(0)
_PORT = click.IntRange(0, 65535)
_FILE = click.Path(dir_okay=False)


def _option(flag: str, kind: Any, help_text: str, unset: str | None = None) -> Callable:
    """An option with the field's default, which is shown as `unset` where it stands for that."""
    default = getattr(ServerOptions, flag.strip("-").replace("-", "_"))
    # As TF Serving takes it: `--flag`, or `--flag=false`.
    boolean: dict[str, Any] = {"is_flag": False, "flag_value": True} if kind is bool else {}
    return click.option(
        flag, type=kind, default=default, show_default=unset or True, help=help_text, **boolean
    )


_OPTIONS = [
    click.option(
        "--model-base-path",
        default=PRESETS["lyrics"].serving_dir,
        show_default=True,
        help="Directory of the pushed versions.",
    ),
    _option("--model-name", str, "Name in requests."),
    _option(
        "--model-config-file",
        _FILE,
        "ModelServerConfig (text) of several models, or versions, in place of these two.",
        "none",
    ),
    _option(
        "--model-config-file-poll-wait-seconds",
        _NATURAL,
        "Seconds between two reads of that file; 0 reads it once.",
    ),
    _option(
        "--allow-version-labels-for-unavailable-models",
        bool,
        "Let a new label name a version that is yet to load: that file's, at the start.",
    ),
    _option(
        "--file-system-poll-wait-seconds", POSITIVE, "Seconds between two looks for a new version."
    ),
    _option(
        "--max-num-load-retries", _NATURAL, "Further tries to load a version that could not be."
    ),
    _option("--load-retry-interval-micros", _NATURAL, "Microseconds between two tries."),
    _option(
        "--enable-model-warmup",
        bool,
        "Answer the requests that travel with a version before all others.",
    ),
    _option("--host", str, "Interface of the local server; TF Serving listens on all."),
    _option("--port", _PORT, "gRPC port; 0 lets the local server pick a free one."),
    _option("--rest-api-port", _PORT, "HTTP port for TF Serving's REST API.", "no REST"),
    _option("--rest-api-timeout-in-ms", POSITIVE, "Milliseconds that a REST request may take."),
    _option("--grpc-socket-path", str, "Unix socket to listen on besides.", "none"),
    _option(
        "--grpc-channel-arguments",
        str,
        "Settings of gRPC's server, such as grpc.max_connection_age_ms=2000, comma-separated.",
        "none",
    ),
    _option("--grpc-max-threads", POSITIVE, "Calls answered at a time; further ones are refused."),
    _option("--ssl-config-file", _FILE, "SSLConfig (text): key and certificates.", "no TLS"),
    _option(
        "--monitoring-config-file",
        _FILE,
        "MonitoringConfig (text): metrics for Prometheus, on the HTTP port.",
        "none",
    ),
    _option("--enable-batching", bool, "Run requests of several callers together."),
    _option(
        "--batching-parameters-file",
        _FILE,
        "BatchingParameters (text): how large batches are and how long they wait.",
        "TF Serving's defaults",
    ),
    _option(
        "--tensorflow-intra-op-parallelism",
        _NATURAL,
        "Threads that share an operation; 1 does best where many ask at once.",
        "one for each processor",
    ),
    _option(
        "--tensorflow-inter-op-parallelism",
        click.IntRange(-1),
        "Threads that run operations side by side; -1 is none but the request's own, which does "
        "best where few ask.",
        "one for each processor",
    ),
    _option(
        "--xla-cpu-compilation-enabled",
        bool,
        "Let models be compiled: generate_xla, of a model trained with --xla, needs it.",
    ),
]


def server_options(command: Callable) -> Callable:
    """Decorates a command with every flag of the server."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
