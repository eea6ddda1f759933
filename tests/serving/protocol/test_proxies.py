"""Which channels pass by the environment's proxy."""

import pytest

from serving.protocol.proxies import proxy_options

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "target",
    [
        "localhost:8500",
        "LocalHost.:8500",
        "localhost",
        "127.0.0.1:8500",
        "127.8.0.1:8500",
        "0.0.0.0:8500",
        "[::1]:8500",
        "::1",
        "[::]:8500",
        "dns:localhost:8500",
        "dns:///localhost:8500",
        "dns://8.8.8.8/localhost:8500",
        "ipv4:127.0.0.1:8500,127.0.0.2:8500",
        "ipv6:[::1]:8500",
        "ipv6:%5B::1%5D:8500",
        "unix:/run/lyrics.sock",
        "unix:///run/lyrics.sock",
        "unix-abstract:lyrics",
    ],
)
def test_none_to_this_machine_is_a_proxys(target):
    assert proxy_options(target) == [("grpc.enable_http_proxy", 0)]


@pytest.mark.parametrize(
    "target",
    [
        "lyrics.example:8500",
        "localhost.example:8500",
        "127.0.0.1.example:8500",
        "10.0.0.1:8500",
        "[2001:db8::1]:8500",
        "2001:db8::1",
        "dns:///lyrics.example:8500",
        "ipv4:127.0.0.1:8500,10.0.0.1:8500",
        "xds:///localhost",
        "",
        ":8500",
    ],
)
def test_what_goes_further_is_as_the_environment_has_it(target):
    assert proxy_options(target) == []
