"""Which channels pass by the environment's proxy: all to this machine. No TensorFlow here.

Left to itself, gRPC asks a proxy for `localhost` too, and that is then the proxy's own machine.
"""

import re
from urllib.parse import unquote

from modules.loopback import is_loopback

# What gRPC takes as an address: its doc/naming.md.
_SOCKETS = ("unix:", "unix-abstract:")
_SCHEME = re.compile(r"(dns|ipv[46]):(//[^/]*/)?")
_ADDRESS = re.compile(r"\[(?P<ipv6>.*)\](:.*)?|(?P<host>[^:]*)(:[^:]*)?")  # `[::1]:8500`, `::1`


def proxy_options(target: str) -> list[tuple[str, int]]:
    """What a channel to `target` is opened with, after its user's own options."""
    addresses = _SCHEME.sub("", unquote(target), count=1).split(",")
    is_local = target.startswith(_SOCKETS) or all(map(_is_loopback, addresses))
    return [("grpc.enable_http_proxy", 0)] if is_local else []


def _is_loopback(address: str) -> bool:
    parts = _ADDRESS.fullmatch(address)
    return is_loopback((parts["ipv6"] or parts["host"] or "") if parts else address)
