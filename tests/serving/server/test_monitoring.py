"""What a server counts, as text for Prometheus."""

import http.client
import json
import re
import shutil
import socket
from pathlib import Path

import pytest
import tensorflow as tf
from prometheus_client.parser import text_string_to_metric_families

from modules.errors import ServingError
from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.monitoring import Metrics
from serving.server.refusals import invalid_argument
from serving.server.server import ModelServer


def samples(metrics):
    """Values by the name and the labels."""
    families = list(text_string_to_metric_families(metrics.page()))  # Prometheus can read it
    assert len(families) == 7
    lines = [line for line in metrics.page().splitlines() if not line.startswith("#")]
    found = (re.fullmatch(r"(\S+){(.*)} (\S+)", line) for line in lines)
    return {(line[1], *re.findall(r'="(.*?)"', line[2])): float(line[3]) for line in found}


def test_requests_are_counted_by_status_and_timed_if_they_succeed():
    metrics = Metrics()
    for _ in range(2):
        with metrics.request("lyrics", "Predict", "GRPC"):
            pass
    with metrics.request("lyrics", "predict", "REST"):
        pass
    with pytest.raises(tf.errors.InvalidArgumentError), metrics.request("none", "", "REST"):
        raise invalid_argument("no such thing")
    with pytest.raises(ZeroDivisionError), metrics.request("lyrics", "Predict", "GRPC"):
        raise ZeroDivisionError
    counted = samples(metrics)
    assert counted[":tensorflow:serving:request_count", "lyrics", "OK"] == 3
    assert counted[":tensorflow:serving:request_count", "lyrics", "UNKNOWN"] == 1
    assert counted[":tensorflow:serving:request_count", "none", "INVALID_ARGUMENT"] == 1
    latency = ":tensorflow:serving:request_latency"
    assert counted[f"{latency}_count", "lyrics", "Predict", "GRPC"] == 2
    assert counted[f"{latency}_count", "lyrics", "predict", "REST"] == 1
    assert (f"{latency}_count", "none", "", "REST") not in counted


def test_the_graph_is_timed_in_microseconds_of_tf_servings_buckets():
    metrics = Metrics()
    with metrics.runtime("lyrics", "Predict"):
        pass
    with pytest.raises(ZeroDivisionError), metrics.runtime("lyrics", "Predict"):
        raise ZeroDivisionError
    counted = samples(metrics)
    runtime = ":tensorflow:serving:runtime_latency"
    labels = ("lyrics", "Predict", "TF1")
    assert counted[(f"{runtime}_count", *labels)] == 1
    assert counted[(f"{runtime}_sum", *labels)] < 1e6
    # Exponential(10, 1.8, 33) of monitoring::Buckets, to six digits as absl::StrCat writes them.
    bounds = [key[-1] for key in counted if key[0] == f"{runtime}_bucket"]
    assert bounds[:4] == ["10", "18", "32.4", "58.32"]
    assert bounds[19] == "708235"
    assert bounds[-2:] == ["1.47476e+09", "+Inf"]
    assert len(bounds) == 34


def test_waiting_for_a_batch_is_timed():
    metrics = Metrics()
    metrics.queued(seconds=0.25)
    counted = samples(metrics)
    labels = (":tensorflow:serving:batching_session:queuing_latency", "model_server_batch_threads")
    assert counted[(f"{labels[0]}_sum", labels[1])] == 250_000
    # Exponential(100, 1.2, 52) of monitoring::Buckets.
    assert counted[(f"{labels[0]}_bucket", labels[1], "211647")] == 0
    assert counted[(f"{labels[0]}_bucket", labels[1], "253977")] == 1


def test_warming_up_is_timed():
    metrics = Metrics()
    metrics.warmed_up(Path("/lyrics/1"), seconds=0.25)
    name = ":tensorflow:serving:model_warmup_latency"
    assert samples(metrics)[f"{name}_sum", "/lyrics/1", "OK"] == 250_000


def test_loads_are_counted():
    metrics = Metrics()
    with metrics.load("/lyrics/1"):
        pass
    with pytest.raises(OSError, match="broken"), metrics.load("/lyrics/2"):
        raise OSError("broken")
    counted = samples(metrics)
    attempts = ":tensorflow:cc:saved_model:load_attempt_count"
    assert counted[attempts, "/lyrics/1", "success"] == 1
    assert counted[attempts, "/lyrics/2", "fail"] == 1
    latency = ":tensorflow:cc:saved_model:load_latency"
    assert [key for key in counted if key[0] == latency] == [(latency, "/lyrics/1")]


def test_the_page_is_text_as_tf_serving_writes_it():
    metrics = Metrics()
    with metrics.request('a "b" \\ \n', "predict", "REST"):
        pass
    lines = metrics.page().splitlines()
    assert lines[:2] == [
        "# TYPE :tensorflow:serving:request_count counter",
        r':tensorflow:serving:request_count{model_name="a \"b\" \\ \n",status="OK"} 1',
    ]
    assert not [line for line in lines if "_created" in line or "_total" in line]


@pytest.fixture(scope="module")
def model_base_path(saved_model, tmp_path_factory):
    """Version 1."""
    directory = tmp_path_factory.mktemp("metrics") / "lyrics"
    shutil.copytree(saved_model(10), directory / "1")
    return directory


def get(server, path, **body):
    """Status and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_api_port, timeout=20)
    connection.request("POST" if body else "GET", path, json.dumps(body))
    response = connection.getresponse()
    return response.status, response.read().decode()


@pytest.fixture
def start(model_base_path, tmp_path):
    """Starts a server with a MonitoringConfig."""

    def start(config):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            rest_api_port = probe.getsockname()[1]
        (tmp_path / "monitoring.config").write_text(config)
        return ModelServer(
            ServerOptions(
                str(model_base_path),
                port=0,
                rest_api_port=rest_api_port,
                monitoring_config_file=str(tmp_path / "monitoring.config"),
            )
        )

    return start


def test_a_server_counts_grpc_and_rest_together(start, model_base_path):
    path = "/v1/models/lyrics:predict"
    with (
        start("prometheus_config { enable: true }") as server,
        LyricsClient(server.target) as client,
    ):
        client.score(["abc"])
        with pytest.raises(ServingError):
            client.fill(["abc"])
        get(server, path, signature_name="score", inputs=["abc"])
        get(server, path, signature_name="none", inputs=["abc"])
        status, page = get(server, "/monitoring/prometheus/metrics")
    assert status == 200
    for line in (
        ':tensorflow:serving:request_count{model_name="lyrics",status="OK"} 2',
        ':tensorflow:serving:request_count{model_name="lyrics",status="FAILED_PRECONDITION"} 1',
        ':tensorflow:serving:request_count{model_name="lyrics",status="INVALID_ARGUMENT"} 1',
        ":tensorflow:serving:request_latency_count"
        '{model_name="lyrics",API="Predict",entrypoint="GRPC"} 1',
        ":tensorflow:serving:request_latency_count"
        '{model_name="lyrics",API="predict",entrypoint="REST"} 1',
        ":tensorflow:serving:runtime_latency_count"
        '{model_name="lyrics",API="Predict",runtime="TF1"} 2',
        ":tensorflow:cc:saved_model:load_attempt_count"
        f'{{model_path="{model_base_path}/1",status="success"}} 1',
    ):
        assert line in page.splitlines()


@pytest.mark.parametrize(
    ("config", "status", "moved_status"),
    [
        ("", 404, 404),
        ('prometheus_config { path: "/metrics" }', 404, 404),
        ('prometheus_config { enable: true path: "/metrics" }', 404, 200),
    ],
)
def test_the_page_is_where_the_config_says(start, config, status, moved_status):
    with start(config) as server:
        assert get(server, "/monitoring/prometheus/metrics")[0] == status
        assert get(server, "/metrics")[0] == moved_status
