"""What an option may be; an option is written once, as a field that says all of it.

    @dataclass(frozen=True)
    class WindowOptions(Options, group="Windows"):
        num_steps: int = option(35, "Characters predicted in a training window.", low=1)
        sampling: Literal["consecutive", "random"] = option("consecutive", "How they are ordered.")

The check on construction, the flag of the command line, its help and whatever else lists options
are read off the field.
"""

import dataclasses
import math
import typing
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

from modules.errors import ConfigError

FIRST = "Most wanted"  # the heading of the options that are listed first

_LARGEST = 2**63 - 1  # what an int64 holds


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Raises ConfigError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise ConfigError(
            f"{{{name}}} is not known: choose one of {{choices}}", {name: value}, choices=listed
        )


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raises ConfigError unless `low <= value <= high`; NaN is in no range."""
    if not low <= value <= high:
        bounds = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ConfigError(f"{{{name}}} is out of range: give a value {bounds}", {name: value})


@dataclass(frozen=True)
class Option:
    """An option, whole.

    Attributes:
        name: of the field.
        kind: type of the value; of each, where there are several.
        default: the value where none is given.
        help: a sentence or two for its user.
        group: under which heading it is listed.
        low: least value of a number; None of what is no number.
        high: largest value of a number.
        choices: all values that there are; empty where that is not listed.
        several: whether it may be given more than once, for a tuple of values.
        shown: what the default is called, where its value says too little.
        flag: on the command line; "" for one made of the name.
        metavar: what its value is called; "" for what its type is called.
    """

    name: str
    kind: type
    default: Any
    help: str
    group: str
    low: float | None = None
    high: float = math.inf
    choices: tuple[Any, ...] = ()
    several: bool = False
    shown: str = ""
    flag: str = ""
    metavar: str = ""

    def check(self, value: Any) -> None:
        """Raises ConfigError if there is no such value."""
        if value is None and self.default is None:
            return
        if self.choices:
            check_choice(self.name, value, self.choices)
        if self.low is not None:
            check_range(self.name, value, self.low, self.high)
            if self.kind is int:
                check_range(self.name, value, self.low, _LARGEST)


def option(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float = math.inf,
    choices: tuple[Any, ...] = (),
    group: str = "",
    shown: str = "",
    flag: str = "",
    metavar: str = "",
) -> Any:
    """A field of an `Options`; see `Option`. The choices of a Literal are its own."""
    about = {"help": help_text, "low": low, "high": high, "choices": choices}
    listed = {"group": group, "shown": shown, "flag": flag, "metavar": metavar}
    return dataclasses.field(default=default, metadata=about | listed)


class Options:
    """A frozen dataclass of options, which are checked on construction."""

    group: ClassVar[str] = ""

    def __init_subclass__(cls, group: str = "") -> None:
        cls.group = group

    def __post_init__(self) -> None:
        for entry in options_of(type(self)):  # type: ignore[arg-type]
            entry.check(getattr(self, entry.name))


@lru_cache
def options_of(options: type[Options]) -> tuple[Option, ...]:
    """The options that are fields of a class, in its order."""
    types = typing.get_type_hints(options)
    return tuple(
        _read(field, types[field.name], options.group)
        for field in dataclasses.fields(options)  # type: ignore[arg-type]
        if "help" in field.metadata
    )


def _read(field: dataclasses.Field, hint: Any, group: str) -> Option:
    about = dict(field.metadata)
    kinds = [kind for kind in typing.get_args(hint) if kind not in (type(None), ...)]
    if typing.get_origin(hint) is Literal:
        about["choices"], kinds = tuple(kinds), [str]
    several = typing.get_origin(hint) is tuple
    (kind,) = kinds or [hint]
    about["group"] = about["group"] or group
    return Option(field.name, kind, field.default, several=several, **about)
