"""What Beam is told, and what is refused before anything runs."""

import os
import subprocess
import sys
import tempfile

import pytest

from modules.errors import ConfigError
from pipeline.beam import BeamOptions
from pipeline.beam_parser import check
from pipeline.beam_workers import prepare


def test_nothing_is_said_where_everything_runs_in_this_process(tmp_path):
    options = BeamOptions()
    assert options.arguments(str(tmp_path)) == []


def test_workers_of_the_direct_runner_are_processes(tmp_path):
    options = BeamOptions(beam_workers=3)
    *arguments, requirements = options.arguments(str(tmp_path / "root"))
    assert arguments == [
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=3",
    ]
    prepare(options.arguments(str(tmp_path / "root")))
    name, _, path = requirements.partition("=")
    assert name == "--requirements_file"
    with open(path, encoding="utf-8") as file:
        assert all(line.startswith("#") for line in file)
    check(options)


def test_a_root_in_a_bucket_needs_no_file_there():
    *_, requirements = BeamOptions(beam_workers=3).arguments("gs://songs/root")
    _, _, path = requirements.partition("=")
    assert os.path.dirname(path) == tempfile.gettempdir()


def test_what_a_user_has_workers_install_is_left_alone(tmp_path):
    file = tmp_path / "requirements.txt"
    prepare([f"--requirements_file={file}", "--direct_num_workers=2"])
    assert not file.exists()


WORK = """
import sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from pipeline.beam import BeamOptions
from pipeline.beam_workers import prepare

arguments = BeamOptions(beam_workers=2).arguments(sys.argv[1])
prepare(arguments)
with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
    numbers = pipeline | beam.Create([1, 2]) | beam.Map(str)
    numbers | beam.io.WriteToText(sys.argv[1] + "/numbers")
"""


@pytest.mark.slow
def test_workers_start_wherever_python_is(tmp_path):
    environment = tmp_path / "an environment's place"
    environment.symlink_to(sys.prefix)
    command = [environment / "bin" / "python", "-c", WORK, tmp_path / "root"]
    worked = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert worked.returncode == 0, worked.stderr
    written = (path.read_text() for path in (tmp_path / "root").glob("numbers*"))
    assert sorted("".join(written).split()) == ["1", "2"]


@pytest.mark.parametrize("given", ["setup_file=./setup.py", "--sdk_container_image=lyrics:1"])
def test_what_brings_the_project_to_the_workers_is_left_alone(given):
    options = BeamOptions("flink", (given, "flink_master=localhost:8081"))
    assert options.arguments("root") == [
        "--runner=FlinkRunner",
        f"--{given.lstrip('-')}",
        "--flink_master=localhost:8081",
    ]
    check(options)


@pytest.mark.parametrize("runner", ["spark", "flink"])
def test_what_each_engine_knows_is_taken(runner):
    check(BeamOptions(runner, ("parallelism=4",) if runner == "flink" else ()))


BAD = {
    "no job server": (("portable", ()), "needs the address of its job server"),
    "unknown": (("direct", ("nonsense=3",)), "Beam knows no --nonsense=3"),
    "no number": (("direct", ("direct_num_workers=x",)), "direct_num_workers: invalid int value"),
    "missing": (("dataflow", ()), "Missing required option: project"),
    "workers elsewhere": (("flink", (), 2), "are those of the direct runner, got"),
    "no workers": (("direct", (), 0), "out of range"),
    "no such runner": (("storm",), "choose one of direct, portable, flink, spark, dataflow"),
}


@pytest.mark.parametrize(("options", "sentence"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check(BeamOptions(*options))
