"""The `lyrics` command as its user meets it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from functools import partial
from pathlib import Path

import pytest
import tensorflow as tf

from modules import versions
from modules.errors import ServerUnavailable
from serving.client import LyricsClient

pytestmark = pytest.mark.slow


def epochs(stderr: str) -> dict[int, str]:
    """What was reported of each epoch, less its speed."""
    found = re.findall(r"epoch (\d+)/\d+: (perplexity .*);", stderr)
    return {int(epoch): figures for epoch, figures in found}


def files(directory: Path) -> set[Path]:
    """All that is there but the metadata."""
    return {path for path in directory.rglob("*") if path.is_file() and path.suffix != ".sqlite"}


def test_a_run_prints_its_summary_for_machines_and_for_people(options, ran, lyrics_here):
    assert "11/11  Pusher" in ran.stderr
    assert re.search(r"perplexity training \d+\.\d, held-out \d+\.\d; \d+ characters/s", ran.stderr)
    summary = json.loads(ran.stdout)
    assert summary["blessed"]
    assert not any(stage["cached"] for stage in summary["stages"])
    assert summary["corpus"]["songs"] > summary["corpus"]["held_out_songs"] > 0
    assert summary["lyric"].startswith("春天")
    assert Path(summary["pushed_to"], "saved_model.pb").is_file()
    second = lyrics_here("run", *options(), "--prefix", "春天")
    assert second.exit_code == 0, second.stderr
    assert "every stage is cached" in second.stdout
    assert "blessed: every threshold holds" in second.stdout
    assert summary["lyric"] in second.stdout
    for run in (ran, second):
        assert "\x1b" not in run.stdout + run.stderr  # colours are for terminals


def test_versions_go_to_a_bucket_and_are_compared_with_there(options, ran, lyrics_here, bucket):
    place = f"s3://{bucket.name}/models/lyrics"
    command = ["run", *options(), "--prefix", "春天", "--json"]
    first = lyrics_here(*command, f"--push-to={place}")
    assert first.exit_code == 0, first.stderr
    summary = json.loads(first.stdout)
    assert summary["pushed_to"] == f"{place}/{summary['version']}"
    assert summary["lyric"] == json.loads(ran.stdout)["lyric"]
    stages = {stage["name"] for stage in summary["stages"] if not stage["cached"]}
    assert stages <= {"BaselineModel", "Evaluator", "Pusher"}
    kept = {found.key: found.last_modified for found in bucket.objects.all()}
    assert f"models/lyrics/{summary['version']}/saved_model.pb" in kept
    again = json.loads(lyrics_here(*command, f"--push-to={place}").stdout)
    assert all(stage["cached"] for stage in again["stages"])
    assert again["lyric"] == summary["lyric"]
    worse = lyrics_here(*command, f"--push-to={place}", "--num-epochs=1", "--learning-rate=1e-6")
    assert "above the baseline model's" in json.loads(worse.stdout)["reason"]
    assert {found.key: found.last_modified for found in bucket.objects.all()} == kept


def test_a_bucket_that_is_not_there_is_told_before_the_work(options, lyrics_here, bucket):
    refused = lyrics_here("run", *options(), "--push-to=s3://no-such-bucket/lyrics")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: s3://no-such-bucket/lyrics cannot be written (")
    assert len(refused.stderr.splitlines()) == 1


def test_a_lyric_that_cannot_be_had_does_not_lose_the_run(options, ran, lyrics_here, monkeypatch):
    def fails(*args, **options):
        raise ServerUnavailable("no server answers")

    monkeypatch.setattr(LyricsClient, "generate", fails)
    run = lyrics_here("run", *options(), "--json")
    assert run.exit_code == 0, run.stderr
    summary = json.loads(run.stdout)
    assert summary["blessed"]
    assert summary["lyric"] is None
    assert summary["unanswered"] == "no server answers"
    assert "\nNo answer   no server answers\n" in lyrics_here("run", *options()).stdout


def test_the_trainer_takes_what_the_tuner_finds(config, options, ran, lyrics, lyrics_here):
    command = ["run", *options(num_epochs=2), "--tune=2", "--tune-epochs=1"]
    tuned_run = lyrics(*command, "--json")
    assert tuned_run.returncode == 0, tuned_run.stderr
    for trial in ("trial 1/2", "trial 2/2"):
        assert re.search(
            rf"{trial}: learning_rate .*\n(.*\n)+?{trial}: perplexity", tuned_run.stderr
        )
    summary = json.loads(tuned_run.stdout)  # neither KerasTuner nor TFX prints anything else
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
    again = lyrics_here(*command)
    assert "every stage is cached" in again.stdout
    assert f"Tuned       learning_rate {tuned['learning_rate']:g}, " in again.stdout


def ask_everything(lyrics, target: str, directory: Path) -> None:
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


def ask_over_http(lyrics, port: int, target: str) -> None:
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


def test_serve_and_ask(config, ran, lyrics, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        rest_api_port = free.getsockname()[1]
    monitoring = Path(__file__).parents[3] / "serving" / "deploy" / "config" / "monitoring.config"
    command = [Path(sys.executable).with_name("lyrics"), "serve", "--port=0"]
    command += ["--model-base-path", config.serving_dir]
    command += [f"--rest_api_port={rest_api_port}", f"--monitoring_config_file={monitoring}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            for line in server.stderr:
                if found := re.search(r"listening on (\S+)", line):
                    break
            target = found[1]
            ask_everything(lyrics, target, tmp_path)
            ask_over_http(lyrics, rest_api_port, target)
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0


def test_no_server_is_one_clear_line(lyrics):
    asked = lyrics("generate", "春天", "--target", "127.0.0.1:1", "--timeout=5")
    assert asked.returncode == 1
    assert asked.stderr.splitlines()[-1].startswith("Error: no server answers at 127.0.0.1:1")
    assert "Traceback" not in asked.stderr


def test_bad_input_is_one_clear_line_and_leaves_nothing(tmp_path, options, lyrics):
    archive = tmp_path / "songs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../evil.txt", "春天")
    failed = lyrics("run", *options(data=archive, root=tmp_path / "root"))
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith(f"Error: {archive}: '../evil.txt'")
    assert not (tmp_path / "root").exists()


def test_windows_that_the_corpus_is_too_short_for(config, options, ran, lyrics_here):
    before = files(Path(config.root))
    for asked in ({"batch_size": 9_999}, {"num_steps": 9_999}):
        failed = lyrics_here("run", *options(**asked))
        assert failed.exit_code == 1
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


DAMAGED = (
    "LyricsExampleGen/examples/*/Split-train/*.gz",
    "Transform/transform_graph/*/transform_fn/assets/characters",
    "NgramModel/ngram/*/*",
    "SequenceWindows/windows/*/Split-train/*",
    "Trainer/model/*/Format-Serving/variables/variables.data-00000-of-00001",
    "Evaluator/evaluation/*/metrics-00000-of-00001.tfrecord",
)


@pytest.mark.parametrize("pattern", DAMAGED)
def test_a_damaged_artifact_is_one_line_and_after_the_remedy_the_run_goes_on(
    config, options, ran, lyrics_here, pattern
):
    file = next(Path(config.root, "artifacts").glob(pattern))
    file.write_bytes(file.read_bytes()[:-3])
    failed = lyrics_here("run", *options())
    assert failed.exit_code == 1
    (line,) = failed.stderr.splitlines()
    folder = line.split("; remove ")[1].split(" and run again")[0]
    assert line.startswith(f"Error: {file} is damaged: it has ")
    assert Path(folder).relative_to(Path(config.root, "artifacts"))
    shutil.rmtree(folder)
    if pattern.startswith("Evaluator"):  # the others are done anew in the same way
        assert lyrics_here("run", *options()).exit_code == 0


def test_damaged_metadata_are_one_line_and_the_versions_stay(config, options, ran, lyrics_here):
    metadata = Path(config.root, "metadata.sqlite")
    content = metadata.read_bytes()
    for damaged in (b"garbage" * 100, content[: len(content) // 2]):
        metadata.write_bytes(damaged)
        failed = lyrics_here("run", *options())
        assert failed.exit_code == 1
        assert re.fullmatch(
            r"Error: --root .* has a damaged metadata\.sqlite: remove that file and run again, .*",
            failed.stderr.splitlines()[-1],
        )
        assert "Traceback" not in failed.stderr


@pytest.fixture
def full_disk(config, ran):
    """The Evaluator's outputs are on a file system of their own, which is full at once."""
    place = Path(config.root, "artifacts", "Evaluator")
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    unmount = partial(subprocess.run, ["umount", "-l", str(place)])
    yield unmount
    unmount()


def test_a_full_disk_is_one_line_and_with_room_the_run_goes_on(
    config, options, lyrics_here, full_disk
):
    before = set(versions.directories(config.serving_dir))
    command = ["run", *options(max_perplexity=500)]
    failed = lyrics_here(*command)
    assert failed.exit_code == 1
    assert re.fullmatch(
        r"Error: there is no room left to write in --root .* \(\d+ MB are free\): free some, .*",
        failed.stderr.splitlines()[-1],
    )
    assert "Traceback" not in failed.stderr
    assert set(versions.directories(config.serving_dir)) == before
    assert full_disk().returncode == 0
    gone_on = lyrics_here(*command)
    assert gone_on.exit_code == 0, gone_on.stderr
    assert re.search(r"Trainer +cached\n", gone_on.stdout)


def test_a_missing_file_and_a_bad_option(tmp_path, lyrics):
    missing = lyrics("run", "--data", "no.zip", "--root", str(tmp_path / "root"))
    assert not (tmp_path / "root").exists()
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith("Error: no such file: no.zip")
    wrong = lyrics("run", "--random-offset", "--root", str(tmp_path))
    assert wrong.returncode == 1
    assert "--random-offset needs --sampling random" in wrong.stderr


def test_a_killed_run_goes_on_where_it_was(config, options, ran, lyrics):
    # Other samples are another training, of which every figure is the same.
    command = ["run", *options(sample_every=0)]
    executable = Path(sys.executable).with_name("lyrics")
    with subprocess.Popen([executable, *command], stderr=subprocess.PIPE, text=True) as killed:
        for line in killed.stderr:
            if "epoch 3/" in line:
                killed.kill()
        assert killed.wait(60) == -signal.SIGKILL

    resumed = lyrics(*command, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert re.search(
        r"cleared what was left unfinished: .* and 1 stages marked as running\n",
        resumed.stderr,
    )
    done = int(re.search(r"resuming after epoch (\d+)", resumed.stderr)[1])
    assert done >= 2
    expected = epochs(ran.stderr)
    assert len(expected) == 12
    assert epochs(resumed.stderr) == {n: figures for n, figures in expected.items() if n > done}
    before, after = (json.loads(run.stdout)["splits"] for run in (ran, resumed))
    assert {split: after[split] | figures for split, figures in before.items()} == after
    assert not any(Path(config.root, "unfinished").iterdir())
