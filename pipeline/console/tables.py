"""What a run came to: tables of stages and figures, and sentences."""

import os

from rich.table import Table

from modules.corpus.account import Account
from modules.evaluation.figures import FIGURES, PERPLEXITIES, PERPLEXITY
from modules.features import EVAL, SPLITS
from pipeline.console import terminal
from pipeline.console.ranked import print_filled
from pipeline.summary import Summary


def print_summary(summary: Summary) -> None:
    """The summary as tables and sentences."""
    terminal.stdout.print(_stage_table(summary))
    if summary.all_cached:
        terminal.stdout.print("Nothing has changed since an earlier run: every stage is cached.")
    terminal.stdout.print()
    for title in dict.fromkeys(figure.table for figure in FIGURES.values()):
        terminal.stdout.print(_figure_table(title, summary))
        terminal.stdout.print()
    if summary.memory_only:
        nothing = "" if EVAL in summary.splits else "No text was held out. "
        sentence = "The gate looked at the training text, which measures memory, not generality."
        terminal.print_line(nothing, sentence, "\n")
    if summary.ngram_wins:
        terminal.print_line(
            "The n-gram model knows held-out text better than the network: on little text an "
            "n-gram wins.\n"
        )
    verdict = ("blessed", "green") if summary.blessed else ("not blessed", "red")
    terminal.print_line("Corpus      ", _corpus_line(summary.corpus))
    if summary.corpus.copies:
        terminal.print_line("Copies      ", _copies_line(summary.corpus))
    terminal.print_line("Begins      ", terminal.literal(summary.corpus.opening))
    terminal.print_line("Vocabulary  ", f"{summary.vocab_size:,} entries")
    if summary.tuned:
        tuned = [f"{name} {value:g}" for name, value in summary.tuned.items()]
        terminal.print_line("Tuned       ", ", ".join(tuned))
    if summary.mixture_weights:
        weights = [f"{name} {weight:.2f}" for name, weight in summary.mixture_weights.items()]
        terminal.print_line("Mixture     ", ", ".join(weights))
    terminal.print_line("Model       ", verdict, ": ", terminal.literal(summary.reason))
    terminal.print_line("Pushed to   ", terminal.literal(_from_here(summary.pushed_to)))
    if summary.unanswered:
        terminal.print_line("No answer   ", terminal.literal(summary.unanswered))
    if summary.filled:
        terminal.stdout.print("\nOver gRPC, the pushed version fills in:")
        print_filled([summary.filled])
    if summary.lyric is not None:
        terminal.stdout.print("\nOver gRPC, the pushed version continues:")
        terminal.stdout.print(terminal.literal(summary.lyric), style="italic", soft_wrap=True)


def _corpus_line(corpus: Account) -> str:
    """What was read, held out, passed over and dropped."""
    parts = [f"{_songs(corpus.songs)}, {corpus.characters:,} characters"]
    if corpus.held_out_songs:
        held_out = f"{corpus.held_out_characters:,} characters of {_songs(corpus.held_out_songs)}"
        parts.append(f"held out: {held_out}")
    if corpus.passed_over:
        reasons = [f"{count:,} {reason}" for reason, count in corpus.passed_over.items()]
        parts.append(f"passed over: {', '.join(reasons)}")
    if corpus.dropped:
        counts = [f"{count:,} {code_point}" for code_point, count in corpus.dropped.items()]
        parts.append(f"dropped characters: {', '.join(counts)}")
    return "; ".join(parts)


def _songs(count: int) -> str:
    return "1 song" if count == 1 else f"{count:,} songs"


def _from_here(path: str | None) -> str:
    """A path as short as it is from the working directory, where it lies below that."""
    below = os.path.relpath(path) if path else "nowhere"
    return path if path and below.startswith(os.pardir) else below


def _copies_line(corpus: Account) -> str:
    """How many there are, and whether they tell on the figures."""
    copies = f"{corpus.copies:,} of the songs are copies of others, or nearly"
    if not corpus.known_songs:
        return f"{copies}; none is both trained on and held out"
    known = f"{_songs(corpus.known_songs)} held out that the model was trained on"
    return f"{copies}; {known}, which measures memory"


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
    shown = pseudo + title if title == PERPLEXITIES else title
    table.add_column(shown, min_width=len(pseudo + PERPLEXITIES))
    for split in summary.splits:
        table.add_column(SPLITS[split], justify="right", min_width=len("1,000,000"))
    for name, figure in FIGURES.items():
        values = [figures.get(name) for figures in summary.splits.values()]
        cells = ["" if value is None else figure.form.format(value) for value in values]
        if figure.table == title and any(cells):
            table.add_row(figure.label, *cells, style="bold" if name == PERPLEXITY else None)
    return table
