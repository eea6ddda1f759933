"""Threads, limits, ports and sockets of the gRPC server."""

import threading

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from modules.errors import ConfigError
from serving.server.flags import ServerOptions
from serving.server.grpc.ports import address, listen, make_grpc_server

pytestmark = pytest.mark.fast


def check(target: str, service: str = "") -> health_pb2.HealthCheckResponse:
    with grpc.insecure_channel(target) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return health_pb2_grpc.HealthStub(channel).Check(request, timeout=20)


def refusal(target: str, service: str = "") -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as error:
        check(target, service)
    return error.value.code()


@pytest.fixture
def start():
    """Serves something small; gives the target."""
    servers = []

    def serve(servicer=None, **options) -> str:
        options = ServerOptions("pushed", port=0, **options)
        server = make_grpc_server(options)
        servers.append(server)
        health_pb2_grpc.add_HealthServicer_to_server(servicer or health.HealthServicer(), server)
        target = f"localhost:{listen(server, options)}"
        server.start()
        return target

    yield serve
    for server in servers:
        server.stop(None).wait()


def test_a_socket_besides_the_port(start, tmp_path):
    target = start(grpc_socket_path=str(tmp_path / "lyrics.sock"))
    assert check(target).status == check(f"unix:{tmp_path}/lyrics.sock").status == 1


def test_other_interfaces_have_to_be_asked_for(start):
    elsewhere = "127.0.0.2"  # answers too, if somebody listens on all interfaces
    port = int(start().rpartition(":")[2])
    assert refusal(address(elsewhere, port)) == grpc.StatusCode.UNAVAILABLE
    port = int(start(host="0.0.0.0").rpartition(":")[2])
    assert check(address(elsewhere, port)).status == 1
    assert address("::1", 8500) == "[::1]:8500"


def test_a_message_may_be_as_large_as_a_channel_argument_says(start):
    assert refusal(start(), "a" * 5_000_000) == grpc.StatusCode.NOT_FOUND
    target = start(grpc_channel_arguments="grpc.max_receive_message_length=100,grpc.lb=none")
    assert check(target).status == 1
    assert refusal(target, "a" * 200) == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_channel_arguments_are_pairs():
    with pytest.raises(ConfigError, match=r"grpc_channel_arguments='a=1,b' has 'b': give key=val"):
        make_grpc_server(ServerOptions("pushed", grpc_channel_arguments="a=1,b"))


def test_calls_beyond_the_threads_are_refused(start):
    begun, go_on = threading.Event(), threading.Event()

    class Patient(health_pb2_grpc.HealthServicer):
        def Check(self, request, context):
            begun.set()
            assert go_on.wait(20)
            return health_pb2.HealthCheckResponse(status=1)

    target = start(Patient(), grpc_max_threads=1)
    with grpc.insecure_channel(target) as channel:
        first = health_pb2_grpc.HealthStub(channel).Check.future(health_pb2.HealthCheckRequest())
        assert begun.wait(20)
        assert refusal(target) == grpc.StatusCode.RESOURCE_EXHAUSTED
        go_on.set()
        assert first.result(20).status == 1
