"""What of the image needs no builder; `make test-image` builds and runs it."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from setuptools import find_packages

from image import slim

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PACKAGES = {name for name in find_packages(ROOT) if "." not in name} - {"benchmarks"}
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))

fast = pytest.mark.fast


def copied() -> set[str]:
    """What the Dockerfile takes from the project, by its first folder."""
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    return {source.split("/")[0] for line in lines for source in line.split()}


@fast
def test_every_package_and_the_corpus_go_into_the_image():
    assert {*PACKAGES, "data", "setup.py", "pyproject.toml", "constraints.txt"} <= copied()


@fast
def test_nothing_else_is_sent_to_the_builder():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied()


@fast
def test_kubernetes_sees_that_the_user_is_not_root():
    users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:0"]  # a name would not do: whose number is it?


@fast
@pytest.mark.parametrize(
    "script", sorted((ROOT / "image").glob("*.sh")), ids=lambda path: path.name
)
def test_scripts_are_shell(script):
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", script], check=True)


@fast
@pytest.mark.parametrize(
    ("installed", "given", "chosen"),
    [
        (["podman", "buildah"], None, "podman"),
        (["buildah"], None, "buildah"),
        (["docker", "podman"], None, "podman"),  # a docker without its engine
        (["podman"], "buildah --root /big", "buildah --root /big"),
    ],
)
def test_the_builder_that_is_there_is_taken(tmp_path, installed, given, chosen):
    for name in installed:
        command = tmp_path / name
        command.write_text('#!/bin/sh\n[ "$1" != info ]\n')
        command.chmod(0o755)
    environment = {"PATH": str(tmp_path), **({"BUILDER": given} if given else {})}
    script = [shutil.which("sh"), ROOT / "image" / "builder.sh"]
    printed = subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout == f"{chosen}\n"


@fast
def test_without_a_builder_one_line_says_what_to_install(tmp_path):
    script = [shutil.which("sh"), ROOT / "image" / "builder.sh"]
    failed = subprocess.run(script, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "apt-get install podman" in failed.stderr


@fast
@pytest.mark.parametrize("pattern", slim.patterns())
def test_what_is_left_out_is_there_to_be_left_out(pattern):
    assert next(SITE_PACKAGES.glob(pattern), None)


@fast
def test_slimming_removes_what_is_named_and_no_more(tmp_path, capsys):
    for path in ("clang/a.py", "numpy/core/tests/tests/b.py", "tests/c.py", "numpy/core/kept.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x" * 100_000)
    slim.main(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.py")] == ["kept.py"]
    printed = capsys.readouterr().out
    assert re.search(r"^ +0\.1 MB  clang$", printed, re.MULTILINE)
    assert re.search(r"^ +0\.2 MB  \*\*/tests$", printed, re.MULTILINE)


IMPORT = """
import importlib, sys
from importlib.machinery import PathFinder
from pathlib import Path
from image import slim

site_packages = Path(sys.argv[1])
gone = {path.resolve() for pattern in slim.patterns() for path in site_packages.glob(pattern)}

class Gone:
    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin and not gone.isdisjoint(Path(spec.origin).resolve().parents):
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
        return None

sys.meta_path.insert(0, Gone)
for module in sys.argv[2:]:
    importlib.import_module(module)
"""


def import_in_image(*modules: str) -> subprocess.CompletedProcess:
    """Imports modules as if what is left out of the image were gone."""
    command = [sys.executable, "-c", IMPORT, SITE_PACKAGES, *modules]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_nothing_that_runs_is_left_out():
    """By importing it all: the project, a worker of Beam, a step on Kubeflow, KFP's compiler."""
    files = [
        file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")
    ]
    done = import_in_image(
        *(".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files),
        "apache_beam.runners.worker.sdk_worker_main",
        "apache_beam.runners.worker.worker_pool_main",
        "apache_beam.runners.portability.portable_runner",
        "pipeline.kubeflow.entrypoint",
        "tensorflow_model_analysis",
        "kfp.compiler",
    )
    assert done.returncode == 0, done.stderr


@fast
def test_what_is_left_out_is_missed_where_it_is_imported():
    """So that the test before this one is seen to look."""
    assert "clang is not in the image" in import_in_image("clang.cindex").stderr


def check_health(tmp_path: Path, *command: str) -> int:
    """The exit status of the health check, for a container that was started so."""
    cmdline = tmp_path / "cmdline"
    cmdline.write_text("".join(f"{word}\0" for word in command))
    check = [sys.executable, ROOT / "image" / "health.py", cmdline]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(check, env=environment, capture_output=True).returncode


@fast
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SERVING", "NOT_SERVING"])
def test_the_health_check_asks_the_server(tmp_path, name):
    servicer = health.HealthServicer()
    servicer.set("", HealthCheckResponse.ServingStatus.Value(name))
    server = grpc.server(ThreadPoolExecutor(1))
    add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    command = ("python", "/opt/venv/bin/lyrics", "serve", f"--port={port}")
    try:
        said = check_health(tmp_path, *command)
        over_tls = check_health(tmp_path, *command, "--ssl_config_file=tls")
    finally:
        server.stop(None)
    assert said == (0 if name == "SERVING" else 1)
    assert over_tls == 0  # it is there; more is not to be seen without a certificate
    assert check_health(tmp_path, *command) == 1  # nobody there


@fast
@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["python -m a.step", "python /opt/venv/bin/lyrics run --root serve"]
)
def test_what_is_no_server_is_well(tmp_path, command):
    assert check_health(tmp_path, *command.split()) == 0
