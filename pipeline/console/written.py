"""Texts that a model wrote."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from pipeline.console import terminal
from serving.protocol.answers import Generated


def print_stream(prefix: str, pieces: Iterator[str]) -> None:
    """A text as it is written; nothing if that fails at once, a whole line if it does later."""
    first = next(pieces, "")
    try:
        for piece in chain([prefix, first], pieces):
            terminal.stdout.print(terminal.literal(piece), end="", soft_wrap=True)
            terminal.stdout.file.flush()
    finally:
        terminal.stdout.print()


def print_texts(texts: Iterable[str]) -> None:
    """Texts, which may have several lines, with an empty line between them."""
    for number, text in enumerate(texts):
        terminal.print_line("\n" if number else "", terminal.literal(text))


def print_beams(beams: Iterable[Sequence[Generated]]) -> None:
    """Of each search, under a common heading, the texts that it found, the likeliest first."""
    for number, texts in enumerate(beams):
        if not number:  # not before the server has answered
            terminal.print_line(f"{'nats':>12}  text")
        for found in texts:
            text = terminal.literal(found.text.replace("\n", " "))
            terminal.print_line(f"{-found.log_probability:>12,.2f}  ", text)
