"""The configs and the health check of serving/ on the local server, in TF Serving's place."""

import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml
from waiting import until

from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

SERVING = Path(__file__).resolve().parents[3] / "serving" / "deploy"


@pytest.fixture
def rest_api_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def server(base_path, tmp_path, rest_api_port):
    """As the compose file starts it, but for the base path and the ports; yet without a version."""
    config = (SERVING / "config" / "models.config").read_text("utf-8")
    models = tmp_path / "models.config"
    models.write_text(config.replace("/models/lyrics", str(base_path)))
    options = ServerOptions(
        model_config_file=str(models),
        allow_version_labels_for_unavailable_models=True,
        port=0,
        rest_api_port=rest_api_port,
        file_system_poll_wait_seconds=0.05,
        enable_batching=True,
        batching_parameters_file=str(SERVING / "config" / "batching.config"),
        monitoring_config_file=str(SERVING / "config" / "monitoring.config"),
    )
    with ModelServer(options) as server:
        yield server


def healthy(port: int) -> bool:
    """What Docker would find with the compose file's check."""
    compose = yaml.safe_load((SERVING / "compose" / "compose.yaml").read_text("utf-8"))
    *_, script = compose["services"]["lyrics"]["healthcheck"]["test"]
    script = script.replace("$$", "$").replace("8501", str(port))
    return subprocess.run(["bash", "-c", script], capture_output=True).returncode == 0


def test_healthy_with_a_version_and_not_before(server, base_path, push, rest_api_port, caplog):
    assert not healthy(rest_api_port)
    (base_path / "1").mkdir()  # a broken one
    until(lambda: "version 1 of lyrics cannot be loaded" in caplog.text)
    assert not healthy(rest_api_port)
    push(version=2, vocab_size=10)
    with LyricsClient(server.target) as client:
        assert client.wait_until_ready(20) == 2
        assert client.score(["ab"])[0].characters == 2
    assert healthy(rest_api_port)
    metrics = f"http://127.0.0.1:{rest_api_port}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(metrics, timeout=20) as answer:
        assert b":tensorflow:serving:request_count" in answer.read()
