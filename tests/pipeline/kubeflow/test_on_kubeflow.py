"""The command as its user meets it, before a server that answers as Kubeflow Pipelines does."""

import json

import pytest
from click.testing import CliRunner, Result
from kfp_api import task

from pipeline.cli import main


@pytest.fixture
def lyrics(api):
    def lyrics(*arguments: str) -> Result:
        place = ("--host", api.address, "--root", "/mnt/lyrics", "--claim", "lyrics:/mnt/lyrics")
        return CliRunner().invoke(main, ["kubeflow", *arguments, *place])

    return lyrics


def test_a_submitted_run_is_a_link(api, lyrics):
    ran = lyrics("submit", "--pipeline-root", "minio://store/v2", "--retries", "2")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == f"{api.address}/#/runs/details/r1\n"
    (run,) = api.bodies("POST", "/runs")
    assert run["runtime_config"]["pipeline_root"] == "minio://store/v2"
    tasks = run["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert len(tasks) == 12
    assert tasks["Trainer"]["retryPolicy"]["maxRetryCount"] == 2
    platform = run["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]
    executor = platform["deploymentSpec"]["executors"]["Trainer_executor"]
    assert executor["pvcMount"] == [{"constant": "lyrics", "mountPath": "/mnt/lyrics"}]
    assert executor["securityContext"] == {"runAsUser": 1000, "runAsNonRoot": True}


def test_with_wait_it_ends_as_the_run_does(api, lyrics):
    details = {"task_details": [task("LyricsExampleGen", "SUCCEEDED", 4)]}
    api.states = [{"run_id": "r1", "state": "SUCCEEDED", "run_details": details}]
    ran = lyrics("submit", "--wait")
    assert ran.exit_code == 0
    link, _, _, first, *_, last = ran.stdout.splitlines()
    assert link == f"{api.address}/#/runs/details/r1"
    assert first.split() == ["LyricsExampleGen", "succeeded", "4.0"]
    assert last == "The run succeeded."
    assert "1/12  LyricsExampleGen" in ran.stderr


def test_with_wait_a_run_that_failed_is_status_1(api, lyrics):
    details = {"task_details": [task("LyricsExampleGen", "FAILED", 4)]}
    api.states = [{"run_id": "r1", "state": "FAILED", "run_details": details}]
    ran = lyrics("submit", "--wait", "--json")
    assert ran.exit_code == 1
    answer = json.loads(ran.stdout)
    assert answer["outcome"]["state"] == "FAILED"
    assert answer["outcome"]["stages"][1] == {
        "name": "LyricsExampleGen",
        "state": "FAILED",
        "seconds": 4.0,
    }
    assert f"logs are at {api.address}/#/runs/details/r1" in ran.stderr.splitlines()[-1]


def test_a_schedule_is_a_link(api, lyrics):
    ran = lyrics("schedule", "--cron", "0 0 3 * * *")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == f"{api.address}/#/recurringrun/details/s1\n"


def test_times_of_five_fields_are_refused(api, lyrics):
    ran = lyrics("schedule", "--cron", "0 3 * * *")
    assert ran.exit_code == 2
    assert "has not six fields: give such as '0 0 3 * * *'" in ran.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--claim", "Lyrics"], "Error: --claim Lyrics is no claim and path: "),
        (["--pipeline-root", "/mnt"], "Error: --pipeline-root /mnt is no place where KFP stores "),
        (["--memory-limit", "1"], "Error: --memory-limit 1.0 is less than --memory-request 2.0: "),
        (["--token-file", "/none"], "Error: --token-file /none cannot be read "),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(api, lyrics, options, said):
    ran = lyrics("submit", *options)
    assert ran.exit_code == 1
    assert ran.stderr.startswith(said)
    assert len(ran.stderr.splitlines()) == 1
    assert api.asked == []


def test_what_beam_does_not_know_is_refused_before_anything_is_sent(api, lyrics):
    ran = lyrics("submit", "--beam-option", "nonsense=3")
    assert ran.exit_code != 0
    assert "Beam knows no --nonsense=3" in ran.stderr
    assert api.bodies("POST", "/runs") == []
