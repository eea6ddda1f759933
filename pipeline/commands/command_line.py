"""Options as flags of the command line: what `modules.checks.Option` says, said to click."""

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import click
import cloup

from modules.checks import FIRST, Option

POSITIVE = click.IntRange(1)

json_option = cloup.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
verbose_option = cloup.option("--verbose", is_flag=True, help="Show the libraries' messages too.")

_METAVARS = {int: "N", float: "X", str: "TEXT"}


def all_of(options: Iterable[Callable]) -> Callable:
    """Several options as one decorator, in this order."""
    decorators = list(options)
    return lambda command: reduce(lambda made, option: option(made), reversed(decorators), command)


def flag_of(option: Option) -> str:
    """`--num-steps`."""
    return option.flag or f"--{option.name.replace('_', '-')}"


def flags(
    options: Iterable[Option], defaults: Mapping[str, Any], switches: bool = True
) -> Callable:
    """Flags for options, under the headings of their groups, what is most wanted first.

    Args:
        options: what they are, and what they may be.
        defaults: their values where none is given, by name; the options' own are the others'.
        switches: whether what is true or false is two flags, `--xla` and `--no-xla`; else it is
            one, `--xla` or `--xla=false`, as TF Serving has it.
    """
    options = list(options)
    # A group is listed where its last option would be, what is most wanted before all.
    last_first = dict.fromkeys([*(option.group for option in reversed(options)), FIRST])
    titles = [FIRST, *(title for title in reversed(last_first) if title != FIRST)]
    groups = {title: cloup.OptionGroup(title) for title in titles}
    options.sort(key=lambda option: titles.index(option.group))
    return all_of(
        cloup.option(
            *_names(option, switches),
            default=defaults.get(option.name, option.default),
            show_default=option.shown or True,
            help=option.help,
            group=groups[option.group],
            **_attributes(option, switches),
        )
        for option in options
    )


def _names(option: Option, switches: bool) -> tuple[str, str]:
    flag = flag_of(option)
    is_pair = option.kind is bool and switches
    return f"{flag}/--no-{flag.removeprefix('--')}" if is_pair else flag, option.name


def _attributes(option: Option, switches: bool) -> dict[str, Any]:
    """What click is to know of the values."""
    if option.kind is bool:
        return {} if switches else {"is_flag": False, "flag_value": True, "type": bool}
    if option.choices:
        return {"type": click.Choice(option.choices), "metavar": option.metavar or None}
    kind: Any = option.kind
    if option.low is not None:
        ranges: dict[type, Callable] = {int: click.IntRange, float: click.FloatRange}
        kind = ranges[kind](option.low, None if option.high == math.inf else option.high)
    elif option.metavar == "FILE":
        kind = click.Path(dir_okay=False)
    metavar = option.metavar or _METAVARS[option.kind]
    return {"type": kind, "metavar": metavar, "multiple": option.several}


def spell(names: Iterable[Option]) -> Callable[..., str]:
    """How a sentence of a `LyricsError` writes options on the command line: `--num-steps 0`."""
    flags = {option.name: flag_of(option) for option in names}
    flags |= {"certificate_chain": "--client-certificate", "private_key": "--client-key"}

    def on_command_line(name: str, value: Any = None) -> str:
        flag = flags.get(name, f"--{name.replace('_', '-')}")
        if value is False:
            return f"--no-{flag.removeprefix('--')}"
        given = value if isinstance(value, list | tuple) else [value]
        words = [shlex.quote(str(one)) for one in given if one is not None and one is not True]
        return " ".join([flag, *words])

    return on_command_line
