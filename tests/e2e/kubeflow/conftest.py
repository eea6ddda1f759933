"""A place where compiled pipelines are executed as Kubeflow does; see `kubeflow_walker`."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from kubeflow_walker import PROJECT, Kubeflow, Run

from modules import versions
from pipeline.config import PipelineConfig
from pipeline.kubeflow.compiling import compile_pipeline
from pipeline.kubeflow.options import ClusterOptions

SOMEBODY = 1000
# So small that the steps' imports are what takes the time.
TINY = {"num_hiddens": 8, "num_epochs": 3, "learning_rate": 0.05, "patience": 0}


@pytest.fixture(scope="module")
def user() -> int | None:
    """Another one than this process's, where it may start one that reaches Python and the code."""
    if os.geteuid():
        return None
    look = [sys.executable, "-c", f"open({str(PROJECT / 'setup.py')!r})"]
    try:
        subprocess.run(look, user=SOMEBODY, group=SOMEBODY, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return SOMEBODY


@pytest.fixture(scope="module")
def claim(user, config) -> Iterator[Path]:
    """A volume with the corpus, which belongs to the user of the steps."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        volume = Path(folder, "claim")
        volume.mkdir()
        shutil.copy(config.data, volume / "songs.zip")
        if user is not None:
            os.chown(volume, user, user)
        yield volume


@pytest.fixture(scope="module")
def artifacts(s3_endpoint) -> Any:
    """The bucket of the object store, as boto3 has it."""
    store = boto3.resource(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="launcher",
        aws_secret_access_key="secret",
    )
    bucket = store.Bucket(f"artifacts-{uuid.uuid4().hex}")
    bucket.create()
    return bucket


@pytest.fixture(scope="module")
def kubeflow(claim, artifacts, start) -> Kubeflow:
    """Its steps are started as the test file says."""
    steps = claim.parent / "steps"
    steps.mkdir()
    return Kubeflow(artifacts, steps, {"lyrics": claim}, start)


@pytest.fixture(scope="module")
def run(kubeflow, claim, config, tmp_path_factory) -> Callable[..., Run]:
    """Compiles the pipeline, with some options changed, and executes it with parameters."""

    def run(parameters: dict[str, Any] | None = None, **changes) -> Run:
        place = {"data": str(claim / "songs.zip"), "root": str(claim / "root")}
        compiled = tmp_path_factory.mktemp("compiled") / "lyrics.yaml"
        cluster = ClusterOptions(claims=(f"lyrics:{claim}",))
        compile_pipeline(config.override(TINY | place | changes), cluster, str(compiled))
        return kubeflow.run(compiled, parameters)

    return run


@pytest.fixture(scope="module")
def pushed(claim, config) -> Callable[[], list[int]]:
    """The versions at the push destination."""
    serving = PipelineConfig(root=str(claim / "root")).serving_dir
    return lambda: [*versions.directories(serving)]
