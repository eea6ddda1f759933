"""SIGTERM while requests are under way, to a real process."""

import os
import re
import signal
import subprocess
import sys
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from .test_deadlines import spin

SERVING, NOT_SERVING = 1, 2


@pytest.fixture
def process(repeater, tmp_path):
    """`lyrics serve`, which runs one request at a time."""
    parameters = tmp_path / "batching.config"
    parameters.write_text("max_batch_size { value: 1 } num_batch_threads { value: 1 }")
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve"]
    command += ["--port=0", f"--model_base_path={repeater}", "--enable_batching"]
    command += [f"--batching_parameters_file={parameters}"]
    environment = os.environ | {"PATH": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_requests_under_way_and_queued_are_answered(process):
    log = iter(process.stderr)
    target = next(match[1] for line in log if (match := re.search(r"listening on (\S+)", line)))
    with grpc.insecure_channel(target) as channel:
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert predictions.Predict(spin(1), timeout=60)
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(health).status == SERVING
        calls = [predictions.Predict.future(spin(30_000), timeout=60) for _ in range(3)]
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert next(health).status == NOT_SERVING
        assert not calls[-1].done()
        time.sleep(0.1)  # it is said first, then done
        with grpc.insecure_channel(target) as late, pytest.raises(grpc.RpcError) as error:
            prediction_service_pb2_grpc.PredictionServiceStub(late).Predict(spin(1), timeout=60)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        assert [call.result().outputs["rows"].int_val[0] for call in calls] == [1, 1, 1]
    assert process.wait(timeout=20) == 0
    rest = "".join(log)
    assert f"stopped listening on {target}" in rest
    assert "Traceback" not in rest
