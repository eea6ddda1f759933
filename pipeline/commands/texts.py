"""Texts for a command: given as arguments, or one a line in files or on standard input."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, TypeVar

import click
import cloup

from pipeline.console import progress

Answer = TypeVar("Answer")

_STDIN = "-"


def text_arguments(metavar: str) -> Callable:
    """The texts; they arrive as the argument `texts`, and what `ask` needs as `batch_size`.

    Args:
        metavar: what the help calls a text.
    """

    def decorate(command: Callable) -> Any:
        @click.argument("arguments", nargs=-1, metavar=f"[{metavar}]...")
        @cloup.option(
            "--file",
            "files",
            # What is no UTF-8 is refused when it is sent, in a sentence.
            type=click.File(encoding="utf-8-sig", errors="surrogateescape"),
            multiple=True,
            show_default="none",
            help=f"File with a {metavar} on each line.",
        )
        @cloup.option(
            "--batch-size",
            type=click.IntRange(1, 1024),
            default=32,
            show_default=True,
            help="Texts that are asked about at a time.",
        )
        @functools.wraps(command)
        def run(arguments: tuple[str, ...], files: tuple[IO[str], ...], **rest: Any) -> None:
            if not arguments and not files:
                raise click.UsageError(
                    f"give a {metavar}, or --file; {_STDIN} reads lines from standard input"
                )
            command(texts=_gather(arguments, files), **rest)

        return run

    return decorate


def ask_in_batches(
    ask: Callable[[Sequence[str]], list[Answer]], texts: Sequence[str], batch_size: int
) -> Iterator[Answer]:
    """What `ask` answers to each text, as it comes, though it gets `batch_size` at a time."""
    for first in range(0, len(texts), batch_size):
        with progress.working(f"asking the server: {first:,} of {len(texts):,} texts done"):
            answers = ask(texts[first : first + batch_size])
        yield from answers


def _gather(arguments: Iterable[str], files: Iterable[IO[str]]) -> list[str]:
    """All texts, in order; of files and standard input the lines that are not empty."""
    gathered: list[str] = []
    for argument in arguments:
        if argument == _STDIN:
            gathered += _lines(click.open_file(_STDIN, "r", "utf-8", "surrogateescape"))
        else:
            gathered.append(argument)
    for file in files:
        gathered += _lines(file)
    return gathered


def _lines(file: IO[str]) -> list[str]:
    try:
        return [line for line in (line.rstrip("\r\n") for line in file) if line]
    except OSError as error:
        raise click.ClickException(
            f"{file.name} cannot be read ({error.strerror}): give another file"
        ) from error
