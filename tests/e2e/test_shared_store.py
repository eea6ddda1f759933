"""Runs on two roots that share a store, on a real server: neither touches what is the other's."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mariadb import PASSWORD, MariaDb
from ml_metadata.proto import metadata_store_pb2 as mlmd

from modules import versions
from pipeline.cli import main
from pipeline.root.server import MetadataOptions, logged_in
from pipeline.root.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.mysql]


class Team:
    """A root, whose runs are recorded in a store.

    Attributes:
        root: its directory.
        url: the store's address, with the password.
    """

    def __init__(self, config, root: Path, url: str) -> None:
        names = ("data", "embedding_size", "learning_rate", "num_hiddens", "num_epochs", "patience")
        given = {name.replace("_", "-"): config.option(name) for name in names} | {"root": root}
        self.root, self.url = root, url
        self._options = ["--preset=smoke", *(f"--{name}={value}" for name, value in given.items())]

    def command(self, *options: str) -> list[str]:
        """A run's."""
        return ["run", *self._options, "--metadata", self.url, *options]

    def run(self, *options: str) -> dict:
        """Runs to a good end; returns the summary."""
        ran = here(*self.command(*options), "--json")
        assert ran.exit_code == 0, ran.stderr
        return json.loads(ran.stdout)

    def kill(self) -> None:
        """Starts a training that is another one, and kills it in its third epoch."""
        executable = Path(sys.executable).with_name("lyrics")
        command = [executable, *self.command("--sample-every=0")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as killed:
            for line in killed.stderr:
                if "epoch 3/" in line:
                    killed.kill()
            assert killed.wait(60) == -signal.SIGKILL

    def states(self) -> list[str]:
        """Of its executions, the oldest first."""
        server = MetadataOptions(self.url).server()
        with logged_in(server):
            executions = Store(str(self.root), server).executions()
        executions.sort(key=lambda execution: execution.id)
        return [mlmd.Execution.State.Name(e.last_known_state) for e in executions]

    def files(self) -> dict[str, int]:
        """All of its files but the lock's, with the time when each was written."""
        return {
            str(path): path.stat().st_mtime_ns
            for path in self.root.rglob("*")
            if path.is_file() and path.name not in (".lock", ".holder")
        }


def here(*arguments: str) -> Result:
    """The command in this process, where TFX is imported already."""
    return CliRunner().invoke(main, [*arguments])


def ran(summary: dict) -> list[str]:
    return [stage["name"] for stage in summary["stages"] if not stage["cached"]]


@pytest.fixture(scope="module")
def team(config, mariadb, tmp_path_factory) -> Callable[..., Team]:
    """Makes a root in the store that all of these share."""
    url = mariadb.url(mariadb.database("latin1"))
    directory = tmp_path_factory.mktemp("词 teams")
    return lambda name: Team(config, directory / name, url)


@pytest.fixture(scope="module")
def first(team) -> Team:
    """That ran once."""
    first = team("first")
    assert len(ran(first.run())) == 11
    return first


@pytest.fixture(scope="module")
def second(team, first) -> Team:
    """That ran once, on the same data, when the first had."""
    second = team("second")
    assert len(ran(second.run())) == 11  # nothing of the first's was taken for its own
    return second


def test_a_second_run_is_all_cached_and_the_other_root_is_not_touched(first, second):
    files, states, before = second.files(), second.states(), first.states()
    again = first.run()
    assert ran(again) == []
    assert again["pushed_to"].startswith(str(first.root))
    assert (second.files(), second.states()) == (files, states)
    assert first.states() == before + ["CACHED"] * 11
    assert not (first.root / "metadata.sqlite").exists()
    assert ran(second.run()) == []


def test_what_one_root_pushed_and_lost_the_other_does_not_push_again(first, second):
    version = Path(first.run()["pushed_to"])
    version.rename(first.root / "aside")
    try:
        assert ran(second.run()) == []
    finally:
        (first.root / "aside").rename(version)


def test_a_killed_run_is_marked_by_its_own_root_alone(first, second):
    second.kill()
    files, states = second.files(), second.states()
    assert states.count("RUNNING") == 1
    assert ran(first.run("--max-perplexity=500")) == ["Evaluator", "Pusher"]
    cleaned = here("clean", "--root", str(first.root), "--metadata", first.url, "--json")
    assert cleaned.exit_code == 0, cleaned.stderr
    freed = json.loads(cleaned.stdout)["paths"]
    assert [Path(path).parents[1].name for path in freed["artifacts"]] == [
        *("Evaluator", "Evaluator", "Pusher")
    ]
    assert (second.files(), second.states()) == (files, states)
    resumed = here(*second.command("--sample-every=0"))
    assert resumed.exit_code == 0, resumed.stderr
    assert re.search(r"cleared what was left .* 1 stages marked as running\n", resumed.stderr)
    assert int(re.search(r"resuming after epoch (\d+)", resumed.stderr)[1]) >= 2
    assert second.states().count("RUNNING") == 0
    assert second.states().count("FAILED") == 1
    assert ran(first.run("--max-perplexity=500")) == []


def test_a_root_does_not_change_its_store(first, config, tmp_path):
    files = first.files()
    options = [option for option in first.command() if option not in ("--metadata", first.url)]
    for command in (options, ["clean", "--root", str(first.root)]):
        refused = here(*command)
        assert refused.exit_code == 1
        assert refused.stderr.endswith(
            f"{first.root}' has the metadata of its runs in a store that roots share: give "
            "--metadata and its address, or another root\n"
        )
    assert first.files() == files
    (tmp_path / "metadata.sqlite").touch()
    refused = here("run", "--root", str(tmp_path), "--metadata", first.url)
    assert "has the metadata of its runs in its own metadata.sqlite" in refused.stderr


def test_a_copy_of_a_root_is_not_taken_for_it(first, config, tmp_path, team):
    copy = team("copy")
    first.run()
    first.root.rename(copy.root)
    try:
        refused = here(*copy.command())
        assert refused.exit_code == 1
        assert "does not know what is in " in refused.stderr.splitlines()[-1]
    finally:
        copy.root.rename(first.root)
    assert ran(first.run()) == []


def test_the_password_is_nowhere(first):
    executable = Path(sys.executable).with_name("lyrics")
    verbose = subprocess.run(
        [executable, *first.command("--verbose", "--json")], capture_output=True, timeout=300
    )
    assert verbose.returncode == 0
    assert b'user: "team"' in verbose.stderr  # TFX logs what a connection is made of
    said = [verbose.stdout, verbose.stderr]
    said += [path.read_bytes() for path in first.root.rglob("*") if path.is_file()]
    spellings = (PASSWORD, first.url, first.url.split(":")[2].split("@")[0])
    for text in said:
        assert not any(spelling.encode() in text for spelling in spellings)


def test_a_server_that_stops_in_the_midst_is_one_line_and_the_run_goes_on(config, tmp_path):
    (tmp_path / "server").mkdir()
    server = MariaDb(tmp_path / "server")
    server.start()
    try:
        team = Team(config, tmp_path / "root", server.url(server.database()))
        executable = Path(sys.executable).with_name("lyrics")
        with subprocess.Popen(
            [executable, *team.command()], stderr=subprocess.PIPE, text=True
        ) as stopped:
            lines = []
            for line in stopped.stderr:
                lines.append(line)
                if "epoch 3/" in line:
                    server.stop()
        assert stopped.returncode == 1
        assert lines[-1].startswith("Error: the server of --metadata answers no more (")
        assert not any("Traceback" in line or "mysql_metadata" in line for line in lines)
        assert PASSWORD not in "".join(lines)
        assert not team.root.joinpath("serving").exists()
        refused = here(*team.command())
        assert refused.stderr.endswith("): start the server, or check host and port\n")
        server.start()
        done = team.run()
        assert done["blessed"]
        assert "LyricsExampleGen" not in ran(done)
        assert "RUNNING" not in team.states()
        assert len(versions.directories(str(team.root / "serving" / "lyrics"))) == 1
    finally:
        server.stop()
