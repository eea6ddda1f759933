"""Whether a host is this machine. Proxies are passed by then: `localhost` would be their own."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a name or an IP address is this machine's own, as it calls itself."""
    try:
        ip = ip_address(host)
        return ip.is_loopback or ip.is_unspecified  # who listens at 0.0.0.0 is asked there too
    except ValueError:  # a name
        return host.lower().rstrip(".") == "localhost"
