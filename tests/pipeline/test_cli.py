import dataclasses
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.commands.pipeline_options import make_config
from pipeline.config import PRESETS
from serving.server.flags import ServerOptions

pytestmark = pytest.mark.fast


def commands(group: click.Group = main):
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            yield command


OPTIONS = [
    pytest.param(option, id=f"{command.name}{option.opts[0]}")
    for command in commands()
    for option in command.params
    if isinstance(option, click.Option) and not option.hidden
]


def test_every_flag_of_the_server_can_be_given():
    shown = [option for option in main.commands["serve"].params if not option.hidden]
    given = {option.name for option in shown}
    assert given == {field.name for field in dataclasses.fields(ServerOptions)} | {"verbose"}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_has_help_a_default_and_a_checked_range(option):
    assert option.help
    assert option.is_flag or option.show_default
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        assert isinstance(option.type, click.IntRange | click.FloatRange)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--num-steps", "0"],
        ["run", "--cell", "transformer"],
        ["run", "--dropout", "1"],
        ["serve", "--port", "70000"],
        ["generate", "春", "--temperature", "-1"],
        ["generate"],
        ["fill", "想□", "--top-k", "0"],
        ["fill"],
        ["next", "春", "--top-k", "101"],
        ["generate", "春", "--top-p", "0"],
        ["generate", "春", "--repetition-penalty", "0"],
        ["generate", "春", "--beam", "17"],
        ["generate", "春", "--beam", "4", "--seed", "1"],
        ["score", "春", "--root-certificates", "no-such.pem"],
    ],
)
def test_values_out_of_range_are_refused_with_status_2(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Error: " in result.output


def test_a_users_mistake_is_one_line_with_status_1():
    result = CliRunner().invoke(main, ["run", "--random-offset"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: --random-offset needs --sampling random, got --sampling consecutive: "
        "drop the offset or sample at random\n"
    )


def test_help_needs_no_tensorflow():
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "try:\n"
        "    main(['run', '--help'])\n"
        "finally:\n"
        "    assert not {'tensorflow', 'tfx', 'grpc'} & sys.modules.keys()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "--cell [rnn|gru|lstm]" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["generate", "score", "fill", "next"])
def test_to_ask_needs_no_tensorflow_and_a_server_that_is_away_is_one_line(command):
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "try:\n"
        f"    main(['{command}', '春', '--target', '127.0.0.1:1'])\n"
        "finally:\n"
        "    assert 'serving.client.blocking' in sys.modules and 'tensorflow' not in sys.modules\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error: no server answers at 127.0.0.1:1: start one with `lyrics serve`, "
        "or give another's host:port\n"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--version", "1", "--label", "canary"],
            "--version 1 and --label canary: give one of them",
        ),
        (["--client-key", __file__], "--client-certificate '' and --client-key "),
    ],
)
def test_options_of_the_connection_that_contradict_each_other(options, sentence):
    result = CliRunner().invoke(main, ["score", "春", *options])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert sentence in result.output


def test_a_mixture_brings_its_validation_split():

    assert make_config("lyrics").hold_out.validation_ratio == 0
    assert make_config("lyrics", mixture=True).hold_out.validation_ratio == 0.05
    assert make_config("lyrics", mixture=False).hold_out.validation_ratio == 0
    assert (
        make_config("lyrics", mixture=True, validation_ratio=0.2).hold_out.validation_ratio == 0.2
    )
    refused = CliRunner().invoke(main, ["run", "--mixture", "--validation-ratio", "0"])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: --mixture needs text to fit its weights on")


def test_trials_are_asked_for_by_their_number():

    assert make_config("lyrics").tuner.num_trials == 0
    run = next(command for command in commands() if command.name == "run")
    given = run.make_context("run", ["--tune", "5", "--tune-epochs", "2"]).params
    config = make_config("lyrics", num_trials=given["num_trials"], tune_epochs=given["tune_epochs"])
    assert (config.tuner.num_trials, config.tuner.tune_epochs) == (5, 2)


def test_the_books_preset_takes_either_sampling():

    assert make_config("book").windows.random_offset
    consecutive = make_config("book", sampling="consecutive")
    assert consecutive.windows.sampling == "consecutive"
    assert not consecutive.windows.random_offset
    assert consecutive.hyperparameters.prefixes == ("分开", "不分开")
    assert make_config("book", prefixes=("春",)).hyperparameters.prefixes == ("春",)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "options",
    [
        {"num_hiddens": 64},
        {"embedding_size": 32},
        {"tie_weights": True, "num_hiddens": 32},
        {"from_scratch": True},
        {"task": "fill"},
        {"optimizer": "sgd"},
        {"dropout": 0.0},
        {"sampling": "consecutive"},
        {"mixture": True, "hold_out_policy": "documents", "gate_split": "eval"},
    ],
)
def test_a_single_option_makes_no_contradiction_with_a_preset(preset, options):
    config = make_config(preset, **options)
    assert {name: config.option(name) for name in options} == options


def test_what_fills_in_reads_random_windows():
    assert make_config("lyrics").windows.sampling == "consecutive"
    assert make_config("lyrics", task="fill").windows.sampling == "random"
    refused = CliRunner().invoke(main, ["run", "--task", "fill", "--sampling", "consecutive"])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: --task fill reads each window from both ends")
