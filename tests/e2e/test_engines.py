"""The data's stages on other engines than this process: what comes out is the same."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from tfx import v1 as tfx
from tfx.orchestration.pipeline import RunOptions
from waiting import until

from pipeline.beam_workers import prepare
from pipeline.config import BUNDLED_CORPUS, PRESETS, PipelineConfig
from pipeline.graph import create_pipeline
from pipeline.root import store

pytestmark = [pytest.mark.slow, pytest.mark.engines, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def prism():
    """`HOST:PORT` of Prism, Beam's portable runner."""
    binary = shutil.which("prism")
    if not binary:
        pytest.skip("no prism on the PATH: `make test-prism` gets it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([binary, f"-job_port={port}", "-serve_http=false"])
    try:
        until(lambda: _answers(port))
        yield f"localhost:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["bundled", "songci"])
def data(request) -> str:
    if request.param == "bundled":
        return BUNDLED_CORPUS
    return str(request.getfixturevalue("shared_data") / "songci.zip")


@pytest.fixture(scope="module")
def here(data, tmp_path_factory) -> dict[str, list[bytes]]:
    """What the direct runner makes, in this process."""
    return made(data, tmp_path_factory.mktemp("here"))


def made(data: str, root: Path, **options) -> dict[str, list[bytes]]:
    """Runs all stages up to the windows; returns the records of each file that they made."""
    config = PRESETS["lyrics"].override({"data": data, "root": str(root), **options})
    run(config)
    files = sorted(path for path in (root / "artifacts").rglob("*") if path.is_file())
    records: dict[str, list[bytes]] = {}
    for path in files:
        stage, output, _, *place = path.relative_to(root / "artifacts").parts
        if output in ("examples", "transformed_examples", "windows", "ngram") and place:
            records.setdefault("/".join((stage, output, *place[:-1])), []).extend(read(path))
        elif "assets" in place:
            records["/".join((stage, output, *place))] = [path.read_bytes()]
    # Windows are numbered, and read in that order; what order the others come in, Beam leaves open.
    return {
        name: found if name.startswith("SequenceWindows") else sorted(found)
        for name, found in records.items()
    }


def read(path: Path) -> list[bytes]:
    if path.suffix != ".gz":
        return [path.read_bytes()]
    records = tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()
    if path.parent.name.startswith("Split-"):  # Examples, whose features have no order
        examples = map(tf.train.Example.FromString, records)
        return [example.SerializeToString(deterministic=True) for example in examples]
    return [*records]


def run(config: PipelineConfig) -> None:
    prepare(config.beam.arguments(config.root))
    pipeline = create_pipeline(config)
    pipeline.metadata_connection_config = store.connection(config.root)
    tfx.orchestration.LocalDagRunner().run(pipeline, RunOptions(to_nodes=["SequenceWindows"]))


def test_prism_makes_the_same(prism, data, here, tmp_path):
    options = ("environment_type=LOOPBACK", f"job_endpoint={prism}")
    there = made(data, tmp_path, beam_runner="portable", beam_option=options)
    assert there.keys() == here.keys()
    assert len(here) > 6
    assert [name for name in here if there[name] != here[name]] == []


def test_processes_make_the_same(prism, here, data, tmp_path):
    if data != BUNDLED_CORPUS:
        pytest.skip("takes minutes, and shows no more than the bundled songs do")
    there = made(data, tmp_path, beam_workers=2)
    assert [name for name in here if there.get(name) != here[name]] == []
