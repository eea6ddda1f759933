"""What Beam is told, and what is refused before anything runs."""

import pytest

from modules.errors import ConfigError
from pipeline.beam import BeamOptions
from pipeline.beam_parser import check


def test_nothing_is_said_where_everything_runs_in_this_process(tmp_path):
    options = BeamOptions()
    assert options.arguments(str(tmp_path)) == []
    options.write_requirements(str(tmp_path / "root"))
    assert not (tmp_path / "root").exists()


def test_workers_of_the_direct_runner_are_processes(tmp_path):
    options = BeamOptions(beam_workers=3)
    *arguments, requirements = options.arguments(str(tmp_path))
    assert arguments == [
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=3",
    ]
    options.write_requirements(str(tmp_path))
    name, _, path = requirements.partition("=")
    assert name == "--requirements_file"
    with open(path, encoding="utf-8") as file:
        assert all(line.startswith("#") for line in file)
    check(options)


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
