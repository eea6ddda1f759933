"""An option is written once: what is read off its field."""

import math
import pickle
from dataclasses import dataclass
from typing import Literal

import pytest

from modules.checks import Option, Options, option, options_of
from modules.errors import ConfigError

pytestmark = pytest.mark.fast


@dataclass(frozen=True)
class Sizes(Options, group="Sizes"):
    height: int = option(3, "Units.", low=1, high=9)
    width: int | None = option(None, "Units.", low=0, shown="as high")
    order: Literal["row", "column"] = option(
        "row", "Which comes first.", group="Order", flag="--by"
    )
    names: tuple[str, ...] = option(("a", "b"), "Their names.", metavar="NAME")
    scale: float = option(1.0, "Of both.", low=0.5)
    unlisted: int = 0


def test_a_field_says_all_of_its_option():
    assert options_of(Sizes) == (
        Option("height", int, 3, "Units.", "Sizes", 1, 9),
        Option("width", int, None, "Units.", "Sizes", 0, shown="as high"),
        Option(
            "order",
            str,
            "row",
            "Which comes first.",
            "Order",
            choices=("row", "column"),
            flag="--by",
        ),
        Option("names", str, ("a", "b"), "Their names.", "Sizes", several=True, metavar="NAME"),
        Option("scale", float, 1.0, "Of both.", "Sizes", 0.5),
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"height": 0}, "height=0 is out of range: give a value from 1 to 9"),
        ({"height": 10}, "height=10 is out of range: give a value from 1 to 9"),
        ({"width": -1}, "width=-1 is out of range: give a value at least 0"),
        (
            {"width": 2**63},
            "width=9223372036854775808 is out of range: give a value from 0 to 9223372036854775807",
        ),
        ({"order": "odd"}, "order='odd' is not known: choose one of row, column"),
        ({"scale": math.nan}, "scale=nan is out of range: give a value at least 0.5"),
    ],
)
def test_it_is_checked_on_construction(values, sentence):
    with pytest.raises(ConfigError) as refused:
        Sizes(**values)
    assert str(refused.value) == sentence


def test_what_is_within_its_bounds_is_taken():
    assert Sizes(height=9, width=None, scale=math.inf).height == 9
    assert Sizes(width=0).width == 0


def shout(name, *value):
    return " ".join([name.upper(), *map(str, value)])


def test_a_sentence_names_options_as_its_reader_does():
    error = ConfigError(
        "{height} needs {order:column} and {scale:2}, got {got}: change {order.name}",
        vars(Sizes()),
        got="{braces}",
    )
    error.about = "a{file}: "
    python = "height=3 needs order='column' and scale=2, got {braces}: change order"
    assert str(error) == f"a{{file}}: {python}"
    spelled = "HEIGHT 3 needs ORDER column and SCALE 2, got {braces}: change ORDER"
    assert error.said(shout) == f"a{{file}}: {spelled}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_sentence_without_options_is_said_as_it_is():
    assert str(ConfigError("give span-{SPAN}")) == ConfigError("give span-{SPAN}").said(shout)
