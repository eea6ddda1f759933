"""Submits to a real server on this machine that answers as the API of Kubeflow Pipelines does."""

import socket

import pytest
import yaml
from kfp_api import task

from modules.errors import ConfigError, ServerUnavailable, ServingError
from pipeline.kubeflow.client import Kubeflow, Outcome, Stage
from pipeline.kubeflow.options import KfpOptions

STAGES = ["LyricsExampleGen", "Trainer"]
SPEC = {"pipelineInfo": {"name": "lyrics"}, "schemaVersion": "2.1.0", "root": {"dag": {}}}
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"a": {"b": 1}}}}}}


@pytest.fixture
def compiled(tmp_path) -> str:
    path = tmp_path / "lyrics.yaml"
    path.write_text(yaml.safe_dump_all([SPEC, PLATFORM]))
    return str(path)


def test_a_run_is_submitted_with_its_root_and_platform(api, compiled, capsys):
    options = KfpOptions(host=api.address, pipeline_root="minio://store/v2", experiment="songs")
    server = Kubeflow(options)
    assert server.submit(compiled) == "r1"
    assert server.link("runs", "r1") == f"{api.address}/#/runs/details/r1"
    (experiment,) = api.bodies("POST", "/experiments")
    assert experiment["display_name"] == "songs"
    (run,) = api.bodies("POST", "/runs")
    assert run["experiment_id"] == "e1"
    assert run["runtime_config"]["pipeline_root"] == "minio://store/v2"
    assert run["pipeline_spec"] == {"pipeline_spec": SPEC, "platform_spec": PLATFORM}
    assert capsys.readouterr().out == ""


def test_a_token_and_a_cookie_are_shown(api, compiled, tmp_path):
    (tmp_path / "token").write_text("abc\n")
    (tmp_path / "cookie").write_text("session=1\n")
    files = {"token_file": str(tmp_path / "token"), "cookie_file": str(tmp_path / "cookie")}
    Kubeflow(KfpOptions(host=api.address, **files)).submit(compiled)
    for _, _, headers, _ in api.asked:
        assert headers["authorization"] == "Bearer abc"
        assert headers["Cookie"] == "session=1"


def test_a_schedule_leaves_out_what_it_missed(api, compiled):
    server = Kubeflow(KfpOptions(host=api.address, pipeline_root="s3://store/v2"))
    assert server.schedule(compiled, "0 0 3 * * *") == "s1"
    (schedule,) = api.bodies("POST", "/recurringruns")
    assert schedule["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert schedule["no_catchup"] is True
    assert schedule["max_concurrency"] == 1
    assert schedule["mode"] == "ENABLE"
    assert schedule["runtime_config"]["pipeline_root"] == "s3://store/v2"


def test_a_run_is_followed_to_its_end(api):
    driver = task("LyricsExampleGen-driver", "SUCCEEDED", 1)
    first = task("LyricsExampleGen", "RUNNING")
    done = task("LyricsExampleGen", "SUCCEEDED", 4)
    api.states = [
        {"run_id": "r1", "state": "PENDING"},
        {"run_id": "r1", "state": "RUNNING", "run_details": {"task_details": [driver, first]}},
        {
            "run_id": "r1",
            "state": "SUCCEEDED",
            "run_details": {"task_details": [driver, done, task("Trainer", "SUCCEEDED", 9)]},
        },
    ]
    told: list[tuple[str, int, int]] = []
    server = Kubeflow(KfpOptions(host=api.address))
    outcome = server.follow("r1", STAGES, lambda *stage: told.append(stage), every=0.01)
    assert outcome == Outcome(
        "SUCCEEDED",
        "",
        [Stage("LyricsExampleGen", "SUCCEEDED", 4.0), Stage("Trainer", "SUCCEEDED", 9.0)],
    )
    assert told == [("LyricsExampleGen", 0, 2), ("Trainer", 1, 2)]


def test_of_a_run_that_failed_it_is_said_why(api):
    failed = task("LyricsExampleGen", "FAILED", 2)
    api.states = [
        {
            "run_id": "r1",
            "state": "FAILED",
            "error": {"code": 13, "message": "the pod was evicted"},
            "run_details": {"task_details": [failed]},
        }
    ]
    outcome = Kubeflow(KfpOptions(host=api.address)).follow("r1", STAGES, lambda *_: None)
    assert outcome.state == "FAILED"
    assert outcome.error == "the pod was evicted"
    assert outcome.stages == [Stage("LyricsExampleGen", "FAILED", 2.0), Stage("Trainer", "", 0.0)]


def test_a_refusal_is_one_line(api, compiled):
    server = Kubeflow(KfpOptions(host=api.address))
    api.refusal = 400, {"message": "unsupported\nschema", "code": 3}
    with pytest.raises(ServingError, match=r"refused with 400: .*unsupported") as refused:
        server.submit(compiled)
    assert "\n" not in str(refused.value)


def test_where_nobody_answers_it_is_said_what_to_do(compiled):
    with socket.create_server(("localhost", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ServerUnavailable, match="kubectl port-forward") as unavailable:
        Kubeflow(KfpOptions(host=f"http://localhost:{port}")).submit(compiled)
    assert "\n" not in str(unavailable.value)


def test_a_token_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"token_file='.*none' cannot be read"):
        Kubeflow(KfpOptions(host="http://localhost:1", token_file=str(tmp_path / "none")))


@pytest.mark.parametrize("root", ["/mnt/lyrics", "https://store/v2", ""])
def test_a_root_where_kfp_stores_nothing_is_refused(root):
    with pytest.raises(ConfigError, match="is no place where KFP stores artifacts"):
        KfpOptions(pipeline_root=root)
