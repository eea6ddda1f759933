"""The commands on a directory of versions; with a server, see tests/serving/rollout/."""

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from serving.rollout.config_file import ConfigFile
from serving.rollout.policy import Policy

pytestmark = pytest.mark.fast


@pytest.fixture
def base(tmp_path):
    """Of three versions, and what is none."""
    for name in ("41", "42", "43", "notes"):
        (tmp_path / "lyrics" / name).mkdir(parents=True)
    (tmp_path / "lyrics" / "44").write_text("a file is no version")
    return tmp_path / "lyrics"


@pytest.fixture
def models(base):
    def run(command: str, *arguments: str) -> Result:
        return CliRunner().invoke(
            main, ["models", command, *arguments, "--model-base-path", str(base)]
        )

    return run


def policy(base) -> Policy:
    return ConfigFile(base / "models.config").policy("lyrics")


def test_promote_label_and_rollback(base, models):
    assert models("promote", "41", "--no-reload").output == (
        f"stable  41\nWritten to {base / 'models.config'}\n"
    )
    assert models("promote", "42", "--no-reload").exit_code == 0
    assert models("label", "canary", "43", "--no-reload").output == (
        "stable  42\ncanary  43\n"
        "Who asks for no label is answered by 43, the largest that is served: ask for `stable`.\n"
        f"Written to {base / 'models.config'}\n"
    )
    assert policy(base) == Policy({"stable": 42, "canary": 43}, (41, 42))
    assert models("rollback", "--no-reload").exit_code == 0
    assert policy(base) == Policy({"stable": 41, "canary": 43}, (41,))


def test_the_servers_name_of_the_directory_stays(base, models):
    models("promote", "41", "--no-reload", "--served-base-path", "/models/lyrics")
    models("promote", "42", "--no-reload")
    assert ConfigFile(base / "models.config").base_path("lyrics") == "/models/lyrics"


def test_else_it_is_the_directory_here_in_full(base, models, monkeypatch):
    monkeypatch.chdir(base)
    CliRunner().invoke(main, ["models", "promote", "41", "--no-reload", "--model-base-path", "."])
    assert ConfigFile(base / "models.config").base_path("lyrics") == str(base)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["promote", "44"], "version 44 is not in {base}: choose one of 41, 42, 43"),
        (
            ["label", "canary", "43"],
            "no version is 'stable', so 'canary' would be the only one: promote one first",
        ),
        (
            ["rollback"],
            "nothing to roll back to: versions promoted so far are []; promote the one that you "
            "want",
        ),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(base, models, arguments, sentence):
    result = models(*arguments)
    assert result.exit_code == 1
    assert result.output == f"Error: {sentence.format(base=base)}\n"
    assert not (base / "models.config").exists()


def test_a_label_of_no_version(base, models):
    models("promote", "41", "--no-reload")
    result = models("label", "canary", "7", "--no-reload")
    assert result.output == f"Error: version 7 is not in {base}: choose one of 41, 42, 43\n"
    assert policy(base).labels == {"stable": 41}


def test_no_rollback_to_what_was_removed(base, models):
    models("promote", "41", "--no-reload")
    models("promote", "42", "--no-reload")
    (base / "41").rmdir()
    result = models("rollback", "--no-reload")
    assert result.output == f"Error: version 41 is not in {base}: choose one of 42, 43\n"
    assert policy(base).labels == {"stable": 42}


def test_a_directory_that_is_not_there(tmp_path):
    absent = str(tmp_path / "absent")
    result = CliRunner().invoke(main, ["models", "list", "--model-base-path", absent])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: --model-base-path {absent} is no directory here: ")


def test_version_numbers_are_positive(models):
    assert models("promote", "0").exit_code == 2
    assert models("promote", "newest").exit_code == 2


def served(base, directory, monkeypatch, *options: str) -> list[str]:
    """What `lyrics serve` tells TF Serving; here it is a script that writes its arguments down."""
    binary = directory / "bin" / "tensorflow_model_server"
    binary.parent.mkdir(exist_ok=True)
    binary.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{directory}/arguments"\n')
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
    arguments = ["serve", "--model-base-path", str(base), *options]
    code = f"from pipeline.cli import main; main({arguments})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return (directory / "arguments").read_text().splitlines()


@pytest.mark.slow
def test_a_server_that_starts_serves_what_was_promoted(base, models, tmp_path, monkeypatch):
    file = f"--model_config_file={base / 'models.config'}"
    newest = f"--model_base_path={base}"
    labels = "--allow_version_labels_for_unavailable_models=true"
    assert newest in served(base, tmp_path, monkeypatch)
    models("promote", "41", "--no-reload")
    assert {file, labels} <= set(served(base, tmp_path, monkeypatch))
    assert newest in served(base, tmp_path, monkeypatch, "--model-name", "poems")
    models("promote", "42", "--no-reload", "--served-base-path", "/models/lyrics")
    assert newest in served(base, tmp_path, monkeypatch)  # the file is for another machine


def test_changing_the_file_needs_no_tensorflow(base):
    arguments = ["models", "promote", "41", "--no-reload", "--model-base-path", str(base)]
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "try:\n"
        f"    main({arguments})\n"
        "finally:\n"
        "    assert 'tensorflow' not in sys.modules\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
