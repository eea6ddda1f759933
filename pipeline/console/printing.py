"""What a run looks like: progress on standard error, the summary on standard output.

Colours and bars appear on a terminal only. Sentences, lyrics and paths are printed as they are,
never broken into lines to fit: a terminal wraps them itself, and a pipe gets them whole.
"""

import dataclasses
import json
import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from modules.evaluation.perplexity import (
    CHARACTERS,
    MIXTURE_PERPLEXITY,
    NGRAM_CACHE_PERPLEXITY,
    NGRAM_PERPLEXITY,
    PERPLEXITY,
    UNIFORM_PERPLEXITY,
    UNIGRAM_PERPLEXITY,
    UNKNOWN_SHARE,
)
from modules.features import EVAL, SPLITS
from pipeline.summary import BASELINE_PERPLEXITY, Summary
from serving.protocol.answers import Candidate, Filled, Generated

if TYPE_CHECKING:
    from modules.network.gradient_flow import Survey  # brings in TensorFlow

# The tables of figures: what a row is called, which figure it shows and how that is written.
# The model comes first, then what to compare it with.
_PERPLEXITIES = "perplexity, lower is better"
_TABLES = {
    _PERPLEXITIES: (
        ("model", PERPLEXITY, "{:,.2f}"),
        ("mixture", MIXTURE_PERPLEXITY, "{:,.2f}"),
        ("last blessed model", BASELINE_PERPLEXITY, "{:,.2f}"),
        ("n-gram and cache", NGRAM_CACHE_PERPLEXITY, "{:,.2f}"),
        ("n-gram", NGRAM_PERPLEXITY, "{:,.2f}"),
        ("unigram", UNIGRAM_PERPLEXITY, "{:,.2f}"),
        ("uniform", UNIFORM_PERPLEXITY, "{:,.2f}"),
    ),
    "characters": (
        ("scored", CHARACTERS, "{:,.0f}"),
        ("not in the vocabulary", UNKNOWN_SHARE, "{:.2%}"),
    ),
}
# What a terminal obeys rather than shows, but for the tab and the newline.
_CONTROLS = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}, "\N{REPLACEMENT CHARACTER}"
)

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
        stderr.print(literal(self.format(record)), soft_wrap=True)


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


def print_json(value: Any) -> None:
    """A value as JSON, dataclasses as objects; null for NaN and infinity, which JSON has not."""
    print(json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False, indent=2))


def print_summary(summary: Summary) -> None:
    """The summary as tables and sentences."""
    stdout.print(_stage_table(summary))
    if summary.all_cached:
        stdout.print("Nothing has changed since an earlier run: every stage is cached.")
    stdout.print()
    for title in _TABLES:
        stdout.print(_figure_table(title, summary))
        stdout.print()
    if summary.memory_only:
        nothing = "" if EVAL in summary.splits else "No text was held out. "
        sentence = "The gate looked at the training text, which measures memory, not generality."
        print_line(nothing, sentence, "\n")
    if summary.ngram_wins:
        print_line(
            "The n-gram model knows held-out text better than the network: on little text an "
            "n-gram wins.\n"
        )
    verdict = ("blessed", "green") if summary.blessed else ("not blessed", "red")
    print_line("Vocabulary  ", f"{summary.vocab_size:,} entries")
    if summary.tuned:
        tuned = [f"{name} {value:g}" for name, value in summary.tuned.items()]
        print_line("Tuned       ", ", ".join(tuned))
    if summary.mixture_weights:
        weights = [f"{name} {weight:.2f}" for name, weight in summary.mixture_weights.items()]
        print_line("Mixture     ", ", ".join(weights))
    print_line("Model       ", verdict, ": ", literal(summary.reason))
    print_line("Pushed to   ", literal(summary.pushed_to or "nowhere"))
    if summary.filled:
        stdout.print("\nOver gRPC, the pushed version fills in:")
        print_filled([summary.filled])
    if summary.lyric is not None:
        stdout.print("\nOver gRPC, the pushed version continues:")
        stdout.print(literal(summary.lyric), style="italic", soft_wrap=True)


def print_survey(survey: "Survey") -> None:
    """The first and the last step's gradient of each curve, and how exact they are."""
    table = Table(box=None, pad_edge=False)
    headings = ("gain", "cell", "last step", "first step", "first, clipped", "all weights")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "cell" else "right")
    for curve in survey.curves:
        norms = (curve.norms[-1], curve.norms[0], curve.clipped_norms[0], curve.gradient_norm)
        table.add_row(f"{curve.gain:g}", curve.cell, *map("{:.2g}".format, norms))
    print_line("Norm of the last character's gradient, by hidden states and by all weights:")
    stdout.print(table)
    print_line(
        "By hand and by the closed form of section 6.6, the linear network's gradients differ by "
        f"{max(survey.closed_form_errors):.1e} of their norm at most."
    )


def print_filled(answers: Iterable[Filled]) -> None:
    """Each text filled in, and under it a line for each blank: its candidates, ranked."""
    for filled in answers:
        print_line(literal(filled.text.replace("\n", " ")))
        for blank in filled.blanks:
            _print_ranked(blank)


def print_candidates(prefixes: Iterable[str], answers: Iterable[Sequence[Candidate]]) -> None:
    """Each prefix, and under it what may come next, ranked."""
    for prefix, candidates in zip(prefixes, answers, strict=True):
        print_line(literal(prefix.replace("\n", " ")))
        _print_ranked(candidates)


def print_stream(prefix: str, pieces: Iterator[str]) -> None:
    """A text as it is written; nothing if that fails at once, a whole line if it does later."""
    first = next(pieces, "")
    try:
        for piece in chain([prefix, first], pieces):
            stdout.print(literal(piece), end="", soft_wrap=True)
            stdout.file.flush()
    finally:
        stdout.print()


def print_texts(texts: Iterable[str]) -> None:
    """Texts, which may have several lines, with an empty line between them."""
    for number, text in enumerate(texts):
        print_line("\n" if number else "", literal(text))


def print_beams(beams: Iterable[Sequence[Generated]]) -> None:
    """Of each search, under a common heading, the texts that it found, the likeliest first."""
    for number, texts in enumerate(beams):
        if not number:  # not before the server has answered
            print_line(f"{'nats':>12}  text")
        for found in texts:
            text = literal(found.text.replace("\n", " "))
            print_line(f"{-found.log_probability:>12,.2f}  ", text)


def _print_ranked(candidates: Sequence[Candidate]) -> None:
    ranked = [f"{_visible(c.character)} {c.probability:.1%}" for c in candidates]
    print_line(literal("    " + "   ".join(ranked)))


def _visible(character: str) -> str:
    return {"\n": "line end", " ": "space"}.get(character, character)


def _stage_table(summary: Summary) -> Table:
    table = Table("stage", box=None, pad_edge=False)
    table.add_column("time", justify="right")
    for stage in summary.stages:
        table.add_row(stage.name, "cached" if stage.cached else f"{stage.seconds:.1f} s")
    table.add_row("together", f"{sum(stage.seconds for stage in summary.stages):.1f} s")
    return table


def _figure_table(title: str, summary: Summary) -> Table:
    """A column for each split, as wide in every table; the model's perplexity is bold."""
    table = Table(box=None, pad_edge=False)
    pseudo = "pseudo-" if summary.task == "fill" else ""
    shown = pseudo + title if title == _PERPLEXITIES else title
    table.add_column(shown, min_width=len(pseudo + _PERPLEXITIES))
    for split in summary.splits:
        table.add_column(SPLITS[split], justify="right", min_width=len("1,000,000"))
    for label, name, form in _TABLES[title]:
        values = [figures.get(name) for figures in summary.splits.values()]
        cells = ["" if value is None else form.format(value) for value in values]
        if any(cells):
            table.add_row(label, *cells, style="bold" if name == PERPLEXITY else None)
    return table


def print_line(*parts: Text | str | tuple[str, str]) -> None:
    """Text, a string or a string and its style, one after the other, never broken to fit."""
    stdout.print(Text.assemble(*parts), soft_wrap=True)


def literal(text: str) -> Text:
    """What others wrote, as it stands: neither markup nor emoji codes nor a terminal's commands."""
    return Text(text.translate(_CONTROLS))


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
