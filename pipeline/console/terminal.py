"""Where everything is printed: progress on standard error, what was asked for on standard output.

Colours and bars appear on a terminal only. Sentences, lyrics and paths are printed as they are,
never broken into lines to fit: a terminal wraps them itself, and a pipe gets them whole.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

# What a terminal obeys rather than shows, but for the tab and the newline.
_CONTROLS = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}, "\N{REPLACEMENT CHARACTER}"
)


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command, as every other failure."""
        raise  # what rich has caught


class _Stderr(Console):
    def on_broken_pipe(self) -> None:
        """Goes on unheard."""
        self.quiet = True

    def print(self, *objects: Any, **how: Any) -> None:
        """As rich does; but that nobody can be told of the work is no reason to lose it."""
        try:
            super().print(*objects, **how)
        except OSError:
            self.quiet = True


stderr = _Stderr(stderr=True, highlight=False)
stdout = _Stdout(highlight=False)


def print_line(*parts: Text | str | tuple[str, str]) -> None:
    """Text, a string or a string and its style, one after the other, never broken to fit."""
    stdout.print(Text.assemble(*parts), soft_wrap=True)


def literal(text: str) -> Text:
    """What others wrote, as it stands: neither markup nor emoji codes nor a terminal's commands."""
    return Text(text.translate(_CONTROLS))
