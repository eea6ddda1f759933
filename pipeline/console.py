"""What a run looks like: progress on standard error, the summary on standard output.

Colours and bars appear on a terminal only.
"""

import dataclasses
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    # These bring in TensorFlow.
    from pipeline.summary import Summary
    from serving.client import Score

_SPLIT_NAMES = {"train": "training", "eval": "held-out"}

stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


def set_up_logging(verbose: bool, *packages: str) -> None:
    """Shows what these packages of this project have to say, and the libraries only if `verbose`.

    Call it before TensorFlow is imported: its C++ part reads its level then.
    """
    handler = _ConsoleHandler(logging.INFO)
    for package in packages:
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False
    if verbose:
        logging.basicConfig(level=logging.INFO)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for library in ("absl", "tensorflow", "apache_beam"):
        logging.getLogger(library).propagate = False
        logging.getLogger(library).addHandler(logging.NullHandler())


class _ConsoleHandler(logging.Handler):
    """Prints messages where they do not disturb a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        stderr.print(escape(self.format(record)), soft_wrap=True)


@contextmanager
def working(on_what: str) -> Iterator[None]:
    """A spinner, on a terminal, while something slow has no progress to show."""
    if stderr.is_terminal:
        with stderr.status(on_what):
            yield
    else:
        yield


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what to tell of each stage that begins: its name, how many are done, of how many."""
    if not stderr.is_terminal:
        start = time.monotonic()
        yield lambda stage, done, total: stderr.print(
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
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda stage, done, total: bar.update(
            task, description=stage, completed=done, total=total
        )


def print_json(summary: "Summary") -> None:
    """The summary as one JSON object."""
    stdout.print_json(json.dumps(dataclasses.asdict(summary), ensure_ascii=False))


def print_summary(summary: "Summary") -> None:
    """The summary as tables and sentences."""
    stdout.print(_stage_table(summary))
    if summary.all_cached:
        stdout.print("Nothing has changed since an earlier run: every stage is cached.")
    stdout.print()
    stdout.print(_perplexity_table(summary))
    if summary.memory_only:
        stdout.print("No text was held out: this measures memory, not generality.")
    verdict = "[green]blessed[/]" if summary.blessed else "[red]not blessed[/]"
    stdout.print(f"\nVocabulary  {summary.vocab_size:,} entries")
    stdout.print(f"Model       {verdict}: {escape(summary.reason)}")
    stdout.print(f"Pushed to   {escape(summary.pushed_to or 'nowhere')}", soft_wrap=True)
    if summary.lyric:
        stdout.print("\nOver gRPC, the pushed version continues:")
        stdout.print(escape(summary.lyric), style="italic")


def print_scores(texts: Sequence[str], scores: Sequence["Score"]) -> None:
    """A line for each text."""
    table = Table("perplexity", "nats", "characters", "text", box=None, pad_edge=False)
    for text, score in zip(texts, scores, strict=True):
        row = (f"{score.perplexity:,.2f}", f"{score.nats:.2f}", str(score.characters))
        table.add_row(*row, escape(text))
    stdout.print(table)


def _stage_table(summary: "Summary") -> Table:
    table = Table("stage", box=None, pad_edge=False)
    table.add_column("time", justify="right")
    for stage in summary.stages:
        table.add_row(stage.name, "cached" if stage.cached else f"{stage.seconds:.1f} s")
    table.add_row("together", f"{sum(stage.seconds for stage in summary.stages):.1f} s")
    return table


def _perplexity_table(summary: "Summary") -> Table:
    table = Table("perplexity", box=None, pad_edge=False)
    rows = {
        "uniform": "uniform_perplexity",
        "unigram": "unigram_perplexity",
        "model": "perplexity",
        "last blessed model": "baseline_perplexity",
        "unknown characters": "unknown_share",
        "characters": "characters",
    }
    for split in summary.splits:
        table.add_column(_SPLIT_NAMES[split], justify="right")
    for label, name in rows.items():
        values = [figures.get(name) for figures in summary.splits.values()]
        if any(value is not None for value in values):
            table.add_row(label, *(_figure(name, value) for value in values))
    return table


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name == "unknown_share":
        return f"{value:.2%}"
    return f"{value:,.0f}" if name == "characters" else f"{value:,.2f}"
