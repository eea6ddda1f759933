"""Options of the commands that ask a running server: whom, and over which connection."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import cloup

from modules.contract import GRPC_PORT, MODEL_NAME
from pipeline.commands.command_line import POSITIVE, all_of
from pipeline.console import messages

if TYPE_CHECKING:
    from serving.client.blocking import LyricsClient
    from serving.rollout.admin import AdminClient

Client = TypeVar("Client", bound="LyricsClient")

_PEM = click.Path(exists=True, dir_okay=False)

_SERVER = [
    cloup.option(
        "--target",
        default=f"localhost:{GRPC_PORT}",
        show_default=True,
        help="The server's host:port.",
    ),
    cloup.option(
        "--timeout",
        type=click.FloatRange(0.001),
        default=30.0,
        show_default=True,
        help="Seconds to wait for an answer.",
    ),
    cloup.option(
        "--tls", is_flag=True, help="Encrypt, and trust only a server whose certificate holds."
    ),
    cloup.option(
        "--root-certificates",
        type=_PEM,
        show_default="gRPC's own",
        help="PEM file of whom to trust; turns --tls on.",
    ),
    cloup.option(
        "--client-certificate",
        type=_PEM,
        show_default="none",
        help="PEM file to show to the server; turns --tls on.",
    ),
    cloup.option(
        "--client-key", type=_PEM, show_default="none", help="PEM file with that one's private key."
    ),
]


_MODEL = [
    cloup.option("--model-name", default=MODEL_NAME, show_default=True, help="Model to ask."),
    cloup.option("--version", type=POSITIVE, show_default="the newest", help="Version to ask."),
    cloup.option("--label", show_default="none", help="Label of the version to ask."),
]


def server_options(command: Callable) -> Callable:
    """The options of whom to ask; they arrive as the argument `server`, for `administer`."""

    @functools.wraps(command)
    def ask(
        target: str,
        timeout: float,
        tls: bool,
        root_certificates: str | None,
        client_certificate: str | None,
        client_key: str | None,
        **rest: Any,
    ) -> None:
        files = (root_certificates or "", client_certificate or "", client_key or "")
        server = {
            "target": target,
            "timeout": timeout,
            "tls": files if tls or any(files) else None,
        }
        command(server=server, **rest)

    return all_of(_SERVER)(ask)


def client_options(command: Callable) -> Callable:
    """These, and which model to ask; they arrive as the argument `client`, for `connect`."""

    @functools.wraps(command)
    def ask(
        server: dict[str, Any],
        model_name: str,
        version: int | None,
        label: str | None,
        **rest: Any,
    ) -> None:
        client = {**server, "model_name": model_name, "version": version, "label": label}
        command(client=client, **rest)

    return server_options(all_of(_MODEL)(ask))


def connect(**options: Any) -> "LyricsClient":
    """A client of the server that the options name.

    Raises:
        ConfigError: if the options contradict each other, or a file cannot be read.
    """
    messages.set_up_logging(False, "serving.client")
    from serving.client.blocking import (
        LyricsClient,  # a third of a second, which --help does not need
    )

    return _open(LyricsClient, **options)


def administer(**options: Any) -> "AdminClient":
    """The same of one that changes what is served."""
    messages.set_up_logging(False, "serving.client")
    from serving.rollout.admin import AdminClient

    return _open(AdminClient, **options)


def _open(client: "type[Client]", tls: tuple[str, str, str] | None, **options: Any) -> "Client":
    from serving.client.connection import Tls

    return client(**options, tls=Tls(*tls) if tls else None)
