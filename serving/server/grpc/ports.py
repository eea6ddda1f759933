"""The gRPC server below the services: its threads, limits, ports and sockets. No TensorFlow here.

Source: Server::BuildAndStart in TF Serving, model_servers/server.cc.
"""

from concurrent.futures import ThreadPoolExecutor

import grpc

from modules.errors import ConfigError, ServingError
from serving.server.flags import ServerOptions
from serving.server.grpc.tls import server_credentials

_LARGEST_MESSAGE = 2**31 - 1  # bytes; a protocol buffer cannot be larger


def make_grpc_server(options: ServerOptions) -> grpc.Server:
    """A server without services and ports.

    Calls beyond `grpc_max_threads` are refused with RESOURCE_EXHAUSTED, so that no queue grows
    without bound.

    Raises:
        ConfigError: if the channel arguments are none.
    """
    return grpc.server(
        ThreadPoolExecutor(options.grpc_max_threads, thread_name_prefix="grpc"),
        options=[
            *_channel_arguments(options.grpc_channel_arguments),  # the first that is given counts
            ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ],
        maximum_concurrent_rpcs=options.grpc_max_threads,
    )


def listen(server: grpc.Server, options: ServerOptions) -> int:
    """Opens the port, and the socket where one is asked for.

    Returns:
        The port.

    Raises:
        ConfigError: if `ssl_config_file` is none.
        ServingError: if the port is taken, or the key is not the certificate's.
    """
    credentials = server_credentials(options.ssl_config_file) if options.ssl_config_file else None
    if options.grpc_socket_path:
        _bind(server, f"unix:{options.grpc_socket_path}", credentials)
    return _bind(server, address(options.host, options.port), credentials)


def address(host: str, port: int) -> str:
    """`host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(server: grpc.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError as error:
        remedy = "stop what does, or give another port; 0 picks a free one"
        if credentials:
            remedy += "; or mend ssl_config_file: the key must be the certificate's"
        raise ServingError(f"cannot listen on {address}: {remedy}") from error


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """`a=1,b=c` as gRPC takes it."""
    arguments: list[tuple[str, int | str]] = []
    for argument in filter(None, text.split(",")):
        key, equals, value = argument.partition("=")
        if not equals:
            raise ConfigError(
                "{grpc_channel_arguments} has {argument}: give key=value, with commas between, "
                "such as grpc.max_connection_age_ms=2000",
                {"grpc_channel_arguments": text},
                argument=repr(argument),
            )
        arguments.append((key, int(value) if value.lstrip("-").isdecimal() else value))
    return arguments
