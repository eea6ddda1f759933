"""Where everything is printed: progress on standard error, what was asked for on standard output.

Colours and bars appear on a terminal only. Sentences, lyrics and paths are printed as they are,
never broken into lines to fit: a terminal wraps them itself, and a pipe gets them whole.
"""

from rich.console import Console
from rich.text import Text

# What a terminal obeys rather than shows, but for the tab and the newline.
_CONTROLS = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}, "\N{REPLACEMENT CHARACTER}"
)


stderr = Console(stderr=True, highlight=False)


stdout = Console(highlight=False)


def print_line(*parts: Text | str | tuple[str, str]) -> None:
    """Text, a string or a string and its style, one after the other, never broken to fit."""
    stdout.print(Text.assemble(*parts), soft_wrap=True)


def literal(text: str) -> Text:
    """What others wrote, as it stands: neither markup nor emoji codes nor a terminal's commands."""
    return Text(text.translate(_CONTROLS))
