"""`serve` in a process of its own: TF Serving where it is installed, else the local server."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modules.errors import ServingError
from serving.server.flags import ServerOptions
from serving.server.launch import tensorflow_model_server_command


def serve(path: Path, **options) -> subprocess.Popen:
    """Calls `serve` in a new process, whose PATH is `path` and whose log is its stderr."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
    code = (
        "import logging, sys\n"
        "from serving.server.launch import serve\n"
        "from serving.server.flags import ServerOptions\n"
        "assert 'tensorflow' not in sys.modules\n"
        "logging.basicConfig(level=logging.INFO)\n"
        f"serve(ServerOptions({arguments}))\n"
    )
    environment = os.environ | {"PATH": str(path)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_tf_serving_takes_over_where_it_is_on_the_path(tmp_path):
    # The real binary takes the same arguments; this one writes them down.
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text(f'#!/bin/sh\nprintf "%s\\n" $$ "$@" > "{tmp_path}/arguments"\nexit 3\n')
    binary.chmod(0o755)
    process = serve(
        tmp_path,
        model_base_path="pushed/../pushed",
        model_name="poems",
        port=8600,
        file_system_poll_wait_seconds=5,
        rest_api_port=8601,
        monitoring_config_file="monitoring.config",
        enable_batching=True,
        ssl_config_file="ssl.config",
    )
    process.communicate(timeout=60)
    assert process.returncode == 3
    pid, *arguments = (tmp_path / "arguments").read_text().splitlines()
    assert int(pid) == process.pid  # the same process: signals reach it
    assert arguments[:4] == [
        "--port=8600",
        "--rest_api_port=8601",
        "--model_name=poems",
        f"--model_base_path={Path.cwd() / 'pushed'}",
    ]
    assert sorted(arguments[4:]) == [
        "--enable_batching=true",
        "--enable_model_warmup=true",
        "--file_system_poll_wait_seconds=5",
        "--grpc_max_threads=128",
        "--load_retry_interval_micros=60000000",
        "--max_num_load_retries=5",
        "--monitoring_config_file=monitoring.config",
        "--rest_api_timeout_in_ms=30000",
        "--ssl_config_file=ssl.config",
    ]


def test_a_uri_goes_to_tf_serving_as_it_is():
    command = tensorflow_model_server_command("server", ServerOptions("gs://bucket/pushed"))
    assert "--model_base_path=gs://bucket/pushed" in command


def test_a_config_file_goes_to_tf_serving():
    options = ServerOptions(
        model_config_file="models.config",
        model_config_file_poll_wait_seconds=3,
        allow_version_labels_for_unavailable_models=True,
    )
    command = tensorflow_model_server_command("server", options)
    assert command[3:6] == [
        "--model_config_file=models.config",
        "--model_config_file_poll_wait_seconds=3",
        "--allow_version_labels_for_unavailable_models=true",
    ]


def test_every_option_reaches_tf_serving():
    given = {
        field.name: f"a {field.name}" if field.type is str else True
        for field in dataclasses.fields(ServerOptions)
    }
    one = ServerOptions(**given | {"model_config_file": "", "tensorflow_session_parallelism": 0})
    many = ServerOptions(**given | {"model_base_path": "", "tensorflow_intra_op_parallelism": 0})
    flags = {
        argument.partition("=")[0]
        for options in (one, many)
        for argument in tensorflow_model_server_command("server", options)[1:]
    }
    assert flags >= {f"--{name}" for name in given.keys() - {"host", "shutdown_grace_seconds"}}


def test_tf_serving_wants_a_port():
    with pytest.raises(ServingError, match=r"port=0 switches off the gRPC of server: give "):
        tensorflow_model_server_command("server", ServerOptions("pushed", port=0))


def listening(process: subprocess.Popen) -> str:
    """Where the local server is, once it is there."""
    log = []
    for line in process.stderr:
        log.append(line)
        if match := re.search(r"listening on (127\.0\.0\.1:\d+)$", line):
            return match[1]
    pytest.fail("".join(log))


def test_the_local_server_serves_until_it_is_interrupted(tmp_path, base_path, push):
    from serving.client.blocking import LyricsClient

    push(version=1, vocab_size=10)
    process = serve(tmp_path, model_base_path=str(base_path), port=0)
    target = listening(process)
    with LyricsClient(target) as client:
        assert client.generate(["ab"], num_chars=2) == ["abbb"]
    process.send_signal(signal.SIGINT)  # test_drain.py has SIGTERM
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"stopped listening on {target}" in rest
    assert "Traceback" not in rest


def test_a_signal_that_another_thread_gets_stops_the_server():
    code = (
        "import signal, threading\n"
        "from serving.server.launch import _stop_signals\n"
        "send = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "with _stop_signals() as signals:\n"
        "    threading.Timer(0.5, send).start()\n"
        "    signals.recv(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 0


def test_xla_has_to_be_allowed(tmp_path, lyrics_base_path):
    from serving.client.blocking import LyricsClient

    options = {"model_base_path": str(lyrics_base_path), "port": 0, "enable_model_warmup": False}
    servers = [
        serve(tmp_path, **options, xla_cpu_compilation_enabled=allowed) for allowed in (False, True)
    ]
    try:
        with LyricsClient(listening(servers[0])) as client:
            client.wait_until_ready()
            (text,) = client.generate(["春"], num_chars=9)
            with pytest.raises(ServingError, match=r"XLA compilation disabled"):
                client.generate(["春"], num_chars=9, xla=True)
            assert client.generate(["春"], num_chars=9) == [text]
        with LyricsClient(listening(servers[1])) as client:
            client.wait_until_ready()
            assert client.generate(["春"], num_chars=9, xla=True) == [text]
    finally:
        for server in servers:
            server.terminate()
            server.communicate(timeout=60)
