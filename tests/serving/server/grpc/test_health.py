"""grpc.health.v1, asked with the generated stubs."""

import queue
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.flags import ServerOptions
from serving.server.grpc.health import SERVICES, Health
from serving.server.grpc.ports import listen, make_grpc_server
from serving.server.server import ModelServer

SERVING, NOT_SERVING, UNKNOWN = (
    health_pb2.HealthCheckResponse.ServingStatus.Value(name)
    for name in ("SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
)


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def stub(health):
    """Of a server with two threads."""
    options = ServerOptions("pushed", port=0, grpc_max_threads=2)
    server = make_grpc_server(options)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = listen(server, options)
    server.start()
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    server.stop(None).wait()


def watch(stub, service: str = "") -> queue.Queue:
    """What a watcher is told; None when the stream has ended."""
    told: queue.Queue = queue.Queue()

    def listen_() -> None:
        try:
            for response in stub.Watch(health_pb2.HealthCheckRequest(service=service)):
                told.put(response.status)
        except grpc.RpcError:
            told.put(None)

    threading.Thread(target=listen_, daemon=True).start()
    return told


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_stands_as_the_models_do(health, stub, service):
    def status() -> int:
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status

    assert status() == NOT_SERVING
    health.update(True)
    assert status() == SERVING
    health.update(False)
    assert status() == NOT_SERVING
    health.update(True)
    health.drain()
    health.update(True)
    assert status() == NOT_SERVING


def test_a_service_that_is_not_there(stub):
    with pytest.raises(grpc.RpcError) as error:
        stub.Check(health_pb2.HealthCheckRequest(service="poems"), timeout=20)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert watch(stub, "poems").get(timeout=20) == UNKNOWN


def test_a_watcher_is_told_of_changes_only(health, stub):
    told = watch(stub)
    assert told.get(timeout=20) == NOT_SERVING
    for is_serving in (True, True, True, False):
        health.update(is_serving)
    assert told.get(timeout=20) == SERVING
    assert told.get(timeout=20) == NOT_SERVING
    assert told.empty()


def test_a_drain_ends_every_watch(health, stub):
    health.update(True)
    watches = [watch(stub), watch(stub, SERVICES[1])]
    assert [told.get(timeout=20) for told in watches] == [SERVING, SERVING]
    health.drain()
    for told in watches:
        assert [told.get(timeout=20), told.get(timeout=20)] == [NOT_SERVING, None]


def test_watchers_take_no_thread(stub):
    for _ in range(5):
        assert watch(stub).get(timeout=20) == NOT_SERVING
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=20).status == NOT_SERVING


def test_a_server_is_healthy_while_its_model_can_answer(base_path, push):
    options = ServerOptions(str(base_path), port=0, file_system_poll_wait_seconds=0.05)
    with ModelServer(options) as server, grpc.insecure_channel(server.target) as channel:
        told = watch(health_pb2_grpc.HealthStub(channel), SERVICES[1])
        assert told.get(timeout=20) == NOT_SERVING
        push(version=1, vocab_size=10)
        assert told.get(timeout=20) == SERVING
        server.stop()
        assert [told.get(timeout=20), told.get(timeout=20)] == [NOT_SERVING, None]
