"""The options of the pipeline, as flags of the commands that run or compile it."""

import functools
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from modules.checks import FIRST, Option
from pipeline.commands.command_line import flags
from pipeline.config import OPTIONS, PRESETS, PipelineConfig

_PRESET = Option(
    "preset",
    str,
    "lyrics",
    "Where the defaults come from: the bundled corpus with songs held out; the book's chapter, "
    "which learns 10,000 characters of --data by heart; or a run in half a minute. The defaults "
    "shown are those of lyrics.",
    FIRST,
    choices=tuple(PRESETS),
)
_MIXTURE_VALIDATION_RATIO = 0.05  # enough for two weights, and hardly missed in training


def pipeline_options(command: Callable) -> Callable:
    """All of them; what was given arrives as the argument `options`, for `make_config`."""

    @functools.wraps(command)
    def run(preset: str, **values: Any) -> Any:
        source = click.get_current_context().get_parameter_source
        options = {option.name: values.pop(option.name) for option in OPTIONS}
        given = {
            name: value
            for name, value in options.items()
            if source(name) is not ParameterSource.DEFAULT
        }
        return command(options={"preset": preset, **given}, **values)

    return flags([_PRESET, *OPTIONS], PRESETS["lyrics"].options())(run)


# What an option brings along where nothing else is said: without, it would be refused.
_IMPLIED: dict[tuple[str, Any], dict[str, Any]] = {
    ("sampling", "consecutive"): {"random_offset": False},  # the book's preset has it on
    ("mixture", True): {"validation_ratio": _MIXTURE_VALIDATION_RATIO},
    ("from_scratch", True): {"embedding_size": 0},
    ("tie_weights", True): {"embedding_size": None},
    ("task", "fill"): {"sampling": "random", "tie_weights": False},
    ("optimizer", "sgd"): {"weight_decay": 0.0},
    ("optimizer", "adam"): {"weight_decay": 0.0},
}


def make_config(preset: str, **given: Any) -> PipelineConfig:
    """The configuration that these options make of a preset's.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """
    for option, implied in _IMPLIED.items():
        if option in given.items():
            given = implied | given
    if "embedding_size" in given:
        given.setdefault("tie_weights", False)
    return PRESETS[preset].override(given)


def check_beam(config: PipelineConfig) -> None:
    """Has Beam read its options, where any were given.

    Raises:
        ConfigError: if it would not take them.
    """
    if not config.beam.is_default:
        from pipeline import beam_parser  # and Beam, which takes seconds to import

        beam_parser.check(config.beam)
