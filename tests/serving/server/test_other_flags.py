"""Every flag of tensorflow_model_server is taken, ignored or refused, and documented."""

import dataclasses
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modules.checks import options_of
from modules.errors import ConfigError
from serving.server.flags import ServerOptions
from serving.server.other_flags import OTHER_FLAGS, heed

DOCS = Path(__file__).parents[3] / "docs" / "serving-flags.md"
# Of TF Serving 2.16.1, in the order of its model_servers/main.cc.
FLAGS = [
    "port", "grpc_socket_path", "rest_api_port", "rest_api_num_threads",
    "rest_api_timeout_in_ms", "rest_api_enable_cors_support", "enable_batching",
    "allow_version_labels_for_unavailable_models", "batching_parameters_file",
    "enable_per_model_batching_parameters", "model_config_file",
    "model_config_file_poll_wait_seconds", "model_name", "model_base_path", "num_load_threads",
    "num_unload_threads", "max_num_load_retries", "load_retry_interval_micros",
    "file_system_poll_wait_seconds", "flush_filesystem_caches",
    "tensorflow_session_parallelism", "tensorflow_session_config_file",
    "tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism",
    "use_alts_credentials", "ssl_config_file", "platform_config_file",
    "per_process_gpu_memory_fraction", "saved_model_tags", "grpc_channel_arguments",
    "grpc_max_threads", "enable_model_warmup", "num_request_iterations_for_warmup", "version",
    "monitoring_config_file", "remove_unused_fields_from_bundle_metagraph",
    "prefer_tflite_model", "num_tflite_pools", "num_tflite_interpreters_per_pool",
    "enable_signature_method_name_check", "xla_cpu_compilation_enabled", "enable_profiler",
    "thread_pool_factory_config_file", "mixed_precision", "skip_initialize_tpu",
    "enable_grpc_healthcheck_service",
]  # fmt: skip
IGNORED = [flag for flag in OTHER_FLAGS if flag.fate == "ignored"]
REFUSED = [flag for flag in OTHER_FLAGS if flag.fate == "refused"]


def serve(path: Path, *arguments: str) -> subprocess.Popen:
    """`lyrics serve` in a new process, whose PATH is `path`."""
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", *arguments]
    environment = os.environ | {"PATH": str(path)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.fast
def test_every_flag_is_known():
    taken = [field.name for field in dataclasses.fields(ServerOptions)]
    others = [flag.name for flag in OTHER_FLAGS]
    assert sorted([*taken, *others]) == sorted(["host", "shutdown_grace_seconds", *FLAGS])


@pytest.mark.fast
def test_the_documentation_has_them_all():
    taken = [("taken", option.name, option.help) for option in options_of(ServerOptions)]
    others = [(f.fate, f.name, f"The local server {f.why}.") for f in (*IGNORED, *REFUSED)]
    table = [f"| `--{name}` | {fate} | {text} |" for fate, name, text in (*taken, *others)]
    assert [line for line in DOCS.read_text().splitlines() if line.startswith("| `")] == table


def test_all_flags_go_to_tf_serving_where_it_is(tmp_path):
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/arguments"\n')
    binary.chmod(0o755)
    given = ["--num_load_threads=4", "--num-unload-threads", "5", "--saved_model_tags=a,b"]
    process = serve(tmp_path, "--model-base-path", "pushed", *given, "--enable_profiler")
    assert process.communicate(timeout=60)[0] == ""
    assert (tmp_path / "arguments").read_text().splitlines()[-4:] == [
        "--num_load_threads=4",
        "--num_unload_threads=5",
        "--enable_profiler=true",
        "--saved_model_tags=a,b",
    ]


@pytest.mark.fast
@pytest.mark.parametrize("flag", REFUSED, ids=lambda flag: flag.name)
def test_what_is_refused(flag):
    sentence = f"--{flag.name} is refused: the local server {flag.why}; leave it out, or install"
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        heed([IGNORED[0].name, flag.name])


def test_a_refusal_is_one_line_before_anything_is_loaded(tmp_path):
    process = serve(tmp_path, "--model-base-path", "nowhere", "--use-alts-credentials")
    told, error = process.communicate(timeout=60)
    assert (process.returncode, told) == (1, "")
    assert re.fullmatch("Error: --use_alts_credentials is refused: the local server .*\n", error)


def test_ignored_flags_are_a_line_each_and_the_server_starts(tmp_path, base_path, push):
    push(version=1, vocab_size=10)
    given = [f"--{flag.name}" for flag in IGNORED]  # without a value
    given[0] += "=4"
    given[1:2] = [given[1].replace("_", "-"), "4"]
    process = serve(tmp_path, "--port=0", *given, "--model-base-path", str(base_path))
    lines = []
    for line in process.stderr:
        lines.append(line)
        if re.search(r"listening on 127\.0\.0\.1:\d+$", line):
            break
    else:
        pytest.fail("".join(lines))
    process.terminate()
    process.communicate(timeout=60)
    warnings = [line.strip() for line in lines if " is ignored: " in line]
    assert warnings == [
        f"--{flag.name} is ignored: the local server {flag.why}" for flag in IGNORED
    ]


def test_a_flag_that_there_is_not(tmp_path):
    process = serve(tmp_path, "--num_loading_threads=4")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "No such option '--num-loading-threads'" in error


def test_a_port_that_is_taken_is_a_line_of_ours_alone(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve(tmp_path, f"--port={port}", f"--model-base-path={tmp_path}")
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines() == [
        "no tensorflow_model_server on the PATH: starting the local server",
        f"Error: cannot listen on 127.0.0.1:{port}: stop what does, or give another port; 0 picks "
        "a free one",
    ]
