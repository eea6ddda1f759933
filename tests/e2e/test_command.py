"""The `lyrics` command as its user meets it: in a process of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
import tensorflow as tf

pytestmark = pytest.mark.slow


def lyrics(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [Path(sys.executable).with_name("lyrics"), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def options(config, **changes) -> list[str]:
    """Of `lyrics run`, for the fixture's configuration."""
    names = ("data", "root", "embedding_size", "learning_rate")
    # Epochs enough, and slow enough, that a run can be killed between two of them.
    trained = {"num_epochs": 12, "patience": 0, "num_hiddens": 64}
    values = {name: config.option(name) for name in names} | trained | changes
    return ["--preset", "smoke"] + [
        f"--{name.replace('_', '-')}={value}" for name, value in values.items()
    ]


def epochs(stderr: str) -> dict[int, str]:
    """What was reported of each epoch, less its speed."""
    found = re.findall(r"epoch (\d+)/\d+: (perplexity .*);", stderr)
    return {int(epoch): figures for epoch, figures in found}


def files(directory: Path) -> set[Path]:
    """All that is there but the metadata."""
    return {path for path in directory.rglob("*") if path.is_file() and path.suffix != ".sqlite"}


@pytest.fixture(scope="module")
def first(config) -> subprocess.CompletedProcess:
    """The first run under the configuration's root."""
    return lyrics("run", *options(config), "--prefix", "春天", "--json")


def test_a_run_prints_its_summary_for_machines_and_for_people(config, first):
    assert first.returncode == 0, first.stderr
    assert "11/11  Pusher" in first.stderr
    assert re.search(
        r"perplexity training \d+\.\d, held-out \d+\.\d; \d+ characters/s", first.stderr
    )
    summary = json.loads(first.stdout)
    assert summary["blessed"]
    assert not any(stage["cached"] for stage in summary["stages"])
    assert summary["lyric"].startswith("春天")
    assert Path(summary["pushed_to"], "saved_model.pb").is_file()
    second = lyrics("run", *options(config), "--prefix", "春天")
    assert second.returncode == 0, second.stderr
    assert "every stage is cached" in second.stdout
    assert "blessed: every threshold holds" in second.stdout
    assert summary["lyric"] in second.stdout
    for run in (first, second):
        assert "\x1b" not in run.stdout + run.stderr  # colours are for terminals


def test_the_trainer_takes_what_the_tuner_finds(config, first):
    command = ["run", *options(config), "--tune=2", "--tune-epochs=1"]
    run = lyrics(*command, "--json")
    assert run.returncode == 0, run.stderr
    for trial in ("trial 1/2", "trial 2/2"):
        assert re.search(rf"{trial}: learning_rate .*\n(.*\n)+?{trial}: perplexity", run.stderr)
    summary = json.loads(run.stdout)  # neither KerasTuner nor TFX prints anything else
    names = [stage["name"] for stage in summary["stages"]]
    assert names[names.index("Tuner") + 1] == "Trainer"
    tuned = summary["tuned"]
    assert tuned.keys() == {"learning_rate", "num_hiddens", "embedding_size", "dropout"}
    _, model = sorted(
        Path(config.root, "artifacts/Trainer/model").iterdir(), key=lambda d: int(d.name)
    )
    weights = tf.train.list_variables(str(model / "Format-Serving/variables/variables"))
    assert [tuned["num_hiddens"], 3 * tuned["num_hiddens"]] in [shape for _, shape in weights]
    assert not any(Path(config.root, "unfinished").iterdir())
    again = lyrics(*command)
    assert "every stage is cached" in again.stdout
    assert f"Tuned       learning_rate {tuned['learning_rate']:g}, " in again.stdout


def ask_everything(target: str, directory: Path) -> None:
    """Each command once, as text, as JSON, from files and from standard input."""

    def answer(*arguments, **options) -> str:
        asked = lyrics(*arguments, "--target", target, **options)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout

    draw = ("--num-chars=20", "--temperature=1", "--top-k=5", "--top-p=0.9", "--seed=3")
    streamed = answer("generate", "春天", *draw)
    (generated,) = json.loads(answer("generate", "春天", *draw, "--json"))
    assert streamed == generated["text"] + "\n"
    assert len(generated["text"]) == 22
    assert generated["log_probability"] < 0
    stop = generated["text"][5:7]
    stopped = answer("generate", "春天", *draw, f"--stop={stop}")
    assert stopped.endswith(f"{stop}\n")
    assert streamed.startswith(stopped[:-1])

    file = directory / "prefixes.txt"
    file.write_text("夏天\n春天\n", encoding="utf-8")
    several = ("generate", "-", "--file", str(file), "--num-chars=2", "--batch-size=2", "--json")
    texts = [generated["text"] for generated in json.loads(answer(*several, input="雪\n"))]
    assert [text[:-2] for text in texts] == ["雪", "夏天", "春天"]
    assert answer("generate", "雪", "夏天", "--num-chars=2") == f"{texts[0]}\n\n{texts[1]}\n"
    (beams,) = json.loads(answer("generate", "春天", "--num-chars=2", "--beam=3", "--json"))
    assert len(beams) == 3

    assert re.search(r"\d\s+4\s+春天来了\n.*\d\s+1\s+雪\n$", answer("score", "春天来了", "雪"))
    (score,) = json.loads(answer("score", "春天来了", "--json"))
    assert [scored["character"] for scored in score["scored"]] == list("春天来了")
    coloured = answer("score", "春天来了", env=os.environ | {"FORCE_COLOR": "1"})
    assert "expected at least: " in coloured
    assert re.search(r"\x1b\[[\d;]+m春", coloured)
    assert re.search(r"^春\n    天 \d+\.\d%", answer("next", "春", "--top-k=3"))
    refused = lyrics("generate", "", "--target", target)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert re.fullmatch("Error: .* prefix has a text without characters.*\n", refused.stderr)
    cannot = lyrics("fill", "春□", "--target", target)
    assert 'cannot do this (Serving signature key "fill" not found)' in cannot.stderr


def ask_over_http(port: int, target: str) -> None:
    """The same lyric as over gRPC; both are counted."""

    def answer(path: str, body: dict | None = None) -> str:
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=60) as got:
            return got.read().decode()

    drawn = dict(num_chars=20, temperature=1, top_k=5, top_p=0.9, seed=3)
    row = drawn | {"prefix": "春天", "repetition_penalty": 1, "stop": ""}
    request = {"signature_name": "generate", "instances": [row]}
    (prediction,) = json.loads(answer("/v1/models/lyrics:predict", request))["predictions"]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in drawn.items()]
    assert lyrics("generate", "春天", *flags, "--target", target).stdout[:-1] == prediction["text"]
    (lyric,) = json.loads(answer("/v1/models/lyrics:predict", {"inputs": ["春天"]}))["outputs"][
        "text"
    ]
    assert lyric.startswith("春天")
    metrics = answer("/monitoring/prometheus/metrics")
    for entry in ('API="Predict",entrypoint="GRPC"', 'API="predict",entrypoint="REST"'):
        assert f'request_latency_count{{model_name="lyrics",{entry}}}' in metrics


def test_serve_and_ask(config, first, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        rest_api_port = free.getsockname()[1]
    monitoring = Path(__file__).parents[2] / "serving" / "deploy" / "config" / "monitoring.config"
    command = [Path(sys.executable).with_name("lyrics"), "serve", "--port=0"]
    command += ["--model-base-path", config.serving_dir]
    command += [f"--rest_api_port={rest_api_port}", f"--monitoring_config_file={monitoring}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            for line in server.stderr:
                if found := re.search(r"listening on (\S+)", line):
                    break
            target = found[1]
            ask_everything(target, tmp_path)
            ask_over_http(rest_api_port, target)
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0


def test_no_server_is_one_clear_line():
    asked = lyrics("generate", "春天", "--target", "127.0.0.1:1", "--timeout=5")
    assert asked.returncode == 1
    assert asked.stderr.splitlines()[-1].startswith("Error: no server answers at 127.0.0.1:1")
    assert "Traceback" not in asked.stderr


def test_bad_input_is_one_clear_line_and_leaves_nothing(tmp_path, config):
    archive = tmp_path / "songs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../evil.txt", "春天")
    failed = lyrics("run", *options(config, data=archive, root=tmp_path / "root"))
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith(f"Error: {archive}: '../evil.txt'")
    assert not files(tmp_path / "root")


def test_windows_that_the_corpus_is_too_short_for(config, first):
    before = files(Path(config.root))
    for asked in ({"batch_size": 9_999}, {"num_steps": 9_999}):
        failed = lyrics("run", *options(config, **asked))
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert "Traceback" not in failed.stderr
        expected = {"num_steps": 16, "batch_size": 16} | asked
        flags = [f"--{name.replace('_', '-')} {value}" for name, value in expected.items()]
        sizes = " and ".join(flags)
        assert re.fullmatch(
            rf"Error: {sizes} need at least \d+ characters; split 'train' has \d+: "
            "give more text, or fewer steps or lanes",
            failed.stderr.splitlines()[-1],
        )
    assert files(Path(config.root)) == before


def test_a_missing_file_and_a_bad_option(tmp_path):
    missing = lyrics("run", "--data", "no.zip", "--root", str(tmp_path))
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith("Error: no such file: no.zip")
    wrong = lyrics("run", "--random-offset", "--root", str(tmp_path))
    assert wrong.returncode == 1
    assert "--random-offset needs --sampling random" in wrong.stderr


def test_a_killed_run_goes_on_where_it_was(tmp_path, config, first):
    command = ["run", *options(config, root=tmp_path / "killed")]
    executable = Path(sys.executable).with_name("lyrics")
    with subprocess.Popen([executable, *command], stderr=subprocess.PIPE, text=True) as killed:
        for line in killed.stderr:
            if "epoch 3/" in line:
                killed.kill()
        assert killed.wait(60) == -signal.SIGKILL

    resumed = lyrics(*command, "--json")
    assert resumed.returncode == 0, resumed.stderr
    done = int(re.search(r"resuming after epoch (\d+)", resumed.stderr)[1])
    assert done >= 2
    expected = epochs(first.stderr)
    assert len(expected) == 12
    assert epochs(resumed.stderr) == {n: figures for n, figures in expected.items() if n > done}
    figures = [json.loads(run.stdout)["splits"] for run in (first, resumed)]
    assert figures[0] == figures[1]
    assert not any((tmp_path / "killed" / "unfinished").iterdir())
