"""Deadlines, cancellation and limits, of callers on a real socket."""

import json
import socket
import time

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from waiting import until

from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

FOREVER = 2_000_000_000  # steps


def spin(steps: int) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "lyrics", "spin"
    request.inputs["steps"].CopyFrom(tf.make_tensor_proto([steps], tf.int32))
    return request


@pytest.fixture(params=["alone", "one at a time"])
def server(request, repeater, tmp_path):
    options = {}
    if request.param == "one at a time":
        path = tmp_path / "batching.config"
        path.write_text(
            "max_batch_size { value: 1 } num_batch_threads { value: 1 } "
            "max_enqueued_batches { value: 2 }"
        )
        options = {"enable_batching": True, "batching_parameters_file": str(path)}
    options |= {"grpc_max_threads": 6, "rest_api_num_threads": 1, "rest_api_port": free_port()}
    with ModelServer(ServerOptions(str(repeater), port=0, **options)) as server:
        yield server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def stub(server):
    with grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def code(call) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as error:
        call.result()
    return error.value.code()


def test_what_runs_past_its_deadline_is_stopped(server, stub):
    assert code(stub.Predict.future(spin(FOREVER), timeout=0.3)) == (
        grpc.StatusCode.DEADLINE_EXCEEDED
    )
    start = time.monotonic()
    server.stop(grace=60)  # waits for what runs
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("server", ["one at a time"], indirect=True)
def test_a_cancelled_call_leaves_the_queue(stub):
    first = stub.Predict.future(spin(300_000), timeout=60)
    time.sleep(0.5)  # it runs
    cancelled = stub.Predict.future(spin(FOREVER))
    time.sleep(0.2)
    assert not first.done()
    cancelled.cancel()
    assert stub.Predict(spin(1), timeout=60).outputs["rows"].int_val == [1]
    assert first.result().outputs["rows"].int_val == [1]


@pytest.mark.parametrize("timeout", [None, 0.5])
def test_what_nobody_waits_for_frees_its_thread(stub, timeout):
    calls = [stub.Predict.future(spin(FOREVER), timeout=timeout) for _ in range(6)]
    time.sleep(0.3)  # they run, on all threads, or wait for the only one
    for call in calls:
        if timeout is None:
            call.cancel()
    until(lambda: stub.Predict.future(spin(1), timeout=60).exception() is None)


def test_a_rest_client_that_hangs_up_frees_its_thread(server):
    for steps in (FOREVER, FOREVER, 1):
        body = json.dumps({"signature_name": "spin", "instances": [steps]}).encode()
        head = f"POST /v1/models/lyrics:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}"
        address = "127.0.0.1", server.rest_api_port
        with socket.create_connection(address, timeout=20) as client:  # shorter than REST's limit
            client.sendall(head.encode() + b"\r\n\r\n" + body)
            if steps == FOREVER:
                time.sleep(0.3)  # it runs
            else:
                assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("server", ["one at a time"], indirect=True)
def test_a_full_queue_refuses_at_once(stub):
    calls = [stub.Predict.future(spin(20_000), timeout=60) for _ in range(6)]
    refused = [call for call in calls if call.exception()]
    assert 3 <= len(refused) <= 4  # one runs, or not yet, and two wait
    for call in refused:
        assert call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert call.details() == (
            "The batch scheduling queue to which this task was submitted is full; currently "
            "2 batches enqueued and max_enqueued_batches is 2"
        )
    answered = set(calls) - set(refused)
    assert all(call.result().outputs["rows"].int_val == [1] for call in answered)


def test_after_the_grace_what_runs_is_cancelled(server, stub):
    calls = [stub.Predict.future(spin(FOREVER)) for _ in range(2)]
    time.sleep(0.3)
    start = time.monotonic()
    server.stop(grace=0.3)
    assert 0.3 < time.monotonic() - start < 20
    assert {code(call) for call in calls} <= {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAVAILABLE,
    }
