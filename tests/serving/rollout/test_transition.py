"""`lyrics models` and a real server: what it serves, and what the file says."""

import json
import threading

import pytest
from click.testing import CliRunner

from modules.errors import ModelNotReady
from pipeline.cli import main
from serving.client.blocking import LyricsClient
from serving.rollout.admin import AdminClient
from serving.rollout.config_file import ConfigFile
from serving.rollout.policy import Policy
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer


@pytest.fixture
def versions(base_path, push):
    """Three, of perplexities 10, 12 and 14."""
    for version, vocab_size in ((1, 10), (2, 12), (3, 14)):
        push(version=version, vocab_size=vocab_size)


@pytest.fixture
def server(base_path, versions):
    """Serves the newest, as nothing has been promoted yet."""
    with ModelServer(
        ServerOptions(str(base_path), port=0, file_system_poll_wait_seconds=0.05)
    ) as server:
        yield server


@pytest.fixture
def models(base_path, server):
    def run(*arguments: str) -> str:
        options = ["--model-base-path", str(base_path), "--target", server.target]
        result = CliRunner().invoke(main, ["models", *arguments, *options])
        assert result.exit_code == (1 if result.output.startswith("Error: ") else 0)
        return result.output

    return run


def perplexity(server, label: str | None = None) -> int:
    with LyricsClient(server.target, label=label) as client:
        (score,) = client.score(["abc"])
    return round(score.perplexity)


def policy(base_path) -> Policy:
    return ConfigFile(base_path / "models.config").policy("lyrics")


def test_promote_label_rollback(base_path, server, models):
    assert perplexity(server) == 14
    models("promote", "1")
    assert perplexity(server) == perplexity(server, "stable") == 10
    models("promote", "2")
    assert perplexity(server) == perplexity(server, "stable") == 12
    models("label", "canary", "3")
    assert (perplexity(server, "stable"), perplexity(server, "canary")) == (12, 14)
    assert perplexity(server) == 14  # as in TF Serving: the largest number
    models("label", "canary", "2")
    models("rollback")
    assert perplexity(server) == perplexity(server, "stable") == perplexity(server, "canary") == 10
    assert models("rollback").startswith("Error: nothing to roll back to")
    assert policy(base_path) == Policy({"stable": 1, "canary": 1}, (1,))


def test_a_label_is_never_without_a_version(server, models):
    models("promote", "1")
    failures, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                perplexity(server, "stable")
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for version in ("2", "3", "1"):
        models("promote", version)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_cannot_be_loaded_changes_nothing(base_path, server, models):
    models("promote", "2")
    (base_path / "4").mkdir()
    output = models("promote", "4", "--timeout", "10")
    assert output.startswith(f"Error: model 'lyrics' at {server.target}: version 4 is ")
    assert output.endswith(": nothing is changed\n")
    assert perplexity(server) == perplexity(server, "stable") == 12
    assert policy(base_path) == Policy({"stable": 2}, (2,))


def test_without_a_server_the_file_is_changed_all_the_same(base_path, versions, models, server):
    server.stop()
    output = models("promote", "2")
    assert output.startswith(
        f"Error: {base_path / 'models.config'} is changed, for the server's next start, "
        f"but no server answers at {server.target}"
    )
    assert "\n" not in output.rstrip("\n")
    assert policy(base_path) == Policy({"stable": 2}, (2,))
    options = ServerOptions(
        model_config_file=str(base_path / "models.config"),
        allow_version_labels_for_unavailable_models=True,
        port=0,
    )
    with ModelServer(options) as again:
        assert perplexity(again, "stable") == 12


def test_list(base_path, server, models):
    models("promote", "2")
    table = models("list").splitlines()
    assert table[0].split() == ["version", "pushed", "labels", "on", "the", "server"]
    assert [line.split()[0] for line in table[1:]] == ["1", "2", "3"]
    assert table[2].split()[3:] == ["stable", "AVAILABLE"]
    listed = json.loads(models("list", "--json"))
    assert [(one["version"], one["labels"]) for one in listed] == [
        (1, []),
        (2, ["stable"]),
        (3, []),
    ]
    assert listed[1]["state"] == "AVAILABLE"
    server.stop()
    assert models("list").endswith(f"No server answers at {server.target}.\n")
    assert [one["state"] for one in json.loads(models("list", "--json"))] == [None, None, None]


def test_waiting_ends(server):
    with AdminClient(server.target) as admin:
        with pytest.raises(ModelNotReady, match=r"version 9 is not there after 0\.2 s"):
            admin.wait_until_available([3, 9], timeout=0.2)
        admin.wait_until_available([3], timeout=10)
