"""That something goes on, and how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipeline.console import terminal


@contextmanager
def working(on_what: str) -> Iterator[None]:
    """A spinner, on a terminal, while something slow has no progress to show."""
    if terminal.stderr.is_terminal:
        with terminal.stderr.status(on_what):
            yield
    else:
        yield


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what to tell of each stage that begins: its name, how many are done, of how many."""
    if not terminal.stderr.is_terminal:
        start = time.monotonic()
        yield lambda stage, done, total: terminal.stderr.print(
            f"{time.monotonic() - start:6.1f} s  {done + 1:2}/{total}  {stage}"
        )
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal.stderr, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda stage, done, total: bar.update(
            task, description=stage, completed=done, total=total
        )
