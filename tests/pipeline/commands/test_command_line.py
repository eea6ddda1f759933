"""Options on the command line: their help, and how sentences speak of them."""

import click
import pytest
from click.testing import CliRunner

from modules.checks import FIRST, Option
from pipeline.cli import main
from pipeline.commands.command_line import spell
from pipeline.config import OPTIONS

pytestmark = pytest.mark.fast

on_command_line = spell(OPTIONS)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("num_steps", 0), "--num-steps 0"),
        (("num_steps",), "--num-steps"),
        (("mixture", True), "--mixture"),
        (("reset_after", False), "--no-reset-after"),
        (("validation_ratio", 0.0), "--validation-ratio 0.0"),
        (("num_trials", 4), "--tune 4"),
        (("prefixes", ("春", "a b")), "--sample-prefix '春' 'a b'"),
        (("root", "my runs"), "--root 'my runs'"),
        (("rest_api_port", 1), "--rest-api-port 1"),
    ],
)
def test_an_option_is_spelled_as_it_is_given(option, words):
    assert on_command_line(*option) == words


def headings(command: str) -> list[str]:
    shown = CliRunner().invoke(main, [command, "--help"]).output
    return [line[:-1] for line in shown.splitlines() if line.endswith(":") and line[0] != " "]


def test_help_begins_with_what_most_want_and_goes_on_as_the_data_does():
    assert headings("run") == [
        *(FIRST, "Data", "Hold-out", "Vocabulary", "N-grams", "Windows", "Network"),
        *("Training", "Tuning", "Gate", "Beam", "Metadata", "Where and how", "Other options"),
    ]
    first = CliRunner().invoke(main, ["run", "--help"]).output.partition("Data:")[0]
    flags = [line.split()[0] for line in first.splitlines() if line.startswith("  --")]
    assert flags == ["--preset", "--data", "--root", "--cell", "--num-epochs", "--seed"]


def commands(group: click.Group, path: tuple[str, ...] = ()):
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", commands(main), ids=" ".join)
def test_every_help_page_fits_80_columns(path):
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80


def test_every_option_of_the_pipeline_is_a_flag_of_run():
    shown = CliRunner().invoke(main, ["run", "--help"]).output
    for option in OPTIONS:
        assert isinstance(option, Option)
        assert (option.flag or f"--{option.name.replace('_', '-')}") in shown
