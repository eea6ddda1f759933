"""What real processes do where their output, or what they are given, is more than can be held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

LYRICS = [sys.executable, "-c", "from pipeline.cli import main; main(prog_name='lyrics')"]
NO_ROOM = (
    "Error: there is no room to write to (No space left on device): make some, or write elsewhere\n"
)
UTF_8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:strict"}
PRINT = """
import sys
from pipeline.console import machines, output, terminal
output.prepare()
with output.guarded():
    terminal.print_line(terminal.literal("春\\udcff"))
    machines.print_json({"text": "春😀"})
"""


@pytest.fixture
def versions(tmp_path, nowhere) -> list[str]:
    """Of version 1: options that find it."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    return ["--model-base-path", str(tmp_path), "--target", nowhere, "--timeout", "1"]


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    return "unix:/nowhere"


def lyrics(*arguments: str | bytes, environment: dict | None = None, **streams):
    return subprocess.run(
        [*LYRICS, *arguments],
        env=os.environ | UTF_8 | (environment or {}),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        timeout=60,
    )


@pytest.mark.parametrize("command", [["--version"], ["score", "--help"]], ids=str)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_a_sentence(command, unbuffered):
    with open("/dev/full", "w") as full:
        ended = lyrics(*command, environment={"PYTHONUNBUFFERED": unbuffered}, stdout=full)
    assert (ended.returncode, ended.stderr.decode()) == (1, NO_ROOM)


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_full_disk_and_what_rich_and_json_print(versions, json):
    with open("/dev/full", "w") as full:
        ended = lyrics("models", "list", *versions, *json, stdout=full)
    assert (ended.returncode, ended.stderr.decode()) == (1, NO_ROOM)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_who_stops_reading_hears_no_more(versions, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    ended = lyrics("models", "list", *versions, *arguments, stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + 13, b"")


def test_what_was_done_is_done_though_it_cannot_be_told(versions, tmp_path):
    with open("/dev/full", "w") as full:
        ended = lyrics("models", "promote", "1", "--no-reload", *versions, stdout=full)
    assert (ended.returncode, ended.stderr.decode()) == (1, NO_ROOM)
    assert 'key: "stable"' in (tmp_path / "models.config").read_text()


def test_that_nobody_hears_of_the_work_does_not_end_it():
    code = (
        "from pipeline.console.progress import progress\n"
        "with progress() as on_stage:\n"
        "    for number in range(3):\n"
        "        on_stage('Trainer', number, 3)\n"
        "print('done')\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "w") as full, os.fdopen(writer, "w") as closed:
        for stderr in (full, closed):
            ended = subprocess.run(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=stderr
            )
            assert ended.stdout == b"done\n"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("utf-8:strict", '春\\udcff\n{\n  "text": "春😀"\n}\n'),
        ("ascii:strict", '\\u6625\\udcff\n{\n  "text": "\\u6625\\ud83d\\ude00"\n}\n'),
        ("latin-1:strict", '\\u6625\\udcff\n{\n  "text": "\\u6625\\ud83d\\ude00"\n}\n'),
    ],
)
def test_characters_that_a_terminal_cannot_show(encoding, printed):
    ended = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert (ended.stdout.decode(), ended.stderr.decode()) == (printed, "")


def test_streams_that_are_closed_are_no_streams_to_fail_on(nowhere):
    command = " ".join(["exec", '"$@"', "<&-", ">&-"])
    ended = subprocess.run(
        ["sh", "-c", command, "sh", *LYRICS, "score", "-", "--target", nowhere],
        stderr=subprocess.PIPE,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_file_that_cannot_be_read_is_a_sentence():
    ended = lyrics("score", "--file", "/proc/self/mem")
    assert ended.stderr.decode() == (
        "Error: /proc/self/mem cannot be read (Input/output error): give another file\n"
    )


def test_names_that_are_no_unicode(versions, tmp_path):
    odd = os.fsdecode(b"\xff")
    Path(tmp_path / odd / "1").mkdir(parents=True)
    Path(tmp_path / odd / "1" / "saved_model.pb").touch()
    promote = ["models", "promote", "1", "--no-reload", *versions]
    for arguments, name in (
        (["--served-base-path", odd], "the base path"),
        (["--model-base-path", str(tmp_path / odd)], "the base path"),
        (["--model-name", odd], "the model's name"),
    ):
        ended = lyrics(*promote, *arguments)
        assert ended.returncode == 1
        assert ended.stderr.decode().startswith(f"Error: {name} '")
        assert "has something at character" in ended.stderr.decode()
    assert lyrics(*promote).returncode == 0
    ended = lyrics("models", "label", odd, "1", "--no-reload", *versions)
    assert ended.stderr.decode().startswith("Error: the label '\\udcff' has something at")
