"""The tables of the quality benchmark."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from benchmarks.goal import goal_table, table
from pipeline.console.terminal import stdout

if TYPE_CHECKING:  # they bring in TensorFlow
    from benchmarks.book_settings import Learnt
    from benchmarks.held_out import HeldOut

_EPOCHS = (50, 100, 150, 160, 200, 250)
_BOOK_CAPTION = (
    "As printed: in the TensorFlow 2 edition of the book. * The same digits as in its PyTorch "
    "edition: its own code does not give them.\n"
)

_RANDOM_CAPTION = (
    "At random each window is read from a zero state: no model can have less than {:.4f}.\n"
)


def print_learnt(learnt: "list[Learnt]", text: str) -> None:
    """Part 1: training perplexity on the book's settings, and the text that was learnt."""
    from benchmarks.book_settings import goals, least_perplexity

    stdout.print(_learnt_table(learnt))
    stdout.print(_BOOK_CAPTION, soft_wrap=True)
    stdout.print(_RANDOM_CAPTION.format(least_perplexity(text)), soft_wrap=True)
    for one in learnt:
        _print_samples(one.name, one.samples)
    stdout.print(goal_table(goals(learnt)))
    stdout.print()


def print_held_out(held_out: "list[HeldOut]") -> None:
    """Part 2: perplexity of held-out text."""
    models = list(held_out[0].perplexities)
    rows = table("held-out perplexity", *(one.corpus for one in held_out))
    for model in models:
        rows.add_row(model, *(f"{one.perplexities[model]:,.2f}" for one in held_out))
    rows.add_row("characters scored", *(f"{one.characters:,}" for one in held_out))
    for stage in held_out[0].seconds:
        rows.add_row(f"{stage}: s to train", *(f"{one.seconds[stage]:.1f}" for one in held_out))
    stdout.print(rows)
    stdout.print()
    for one in held_out:
        weights = ", ".join(f"{part} {weight:.2f}" for part, weight in one.mixture_weights.items())
        stdout.print(f"{one.corpus}, weights of the mixture: {weights}", soft_wrap=True)
        _print_samples(one.corpus, one.samples)
    stdout.print(goal_table(goal for one in held_out for goal in one.goals))


def _learnt_table(learnt: "list[Learnt]") -> Table:
    from benchmarks.book_settings import COPIED, PRINTED

    rows = table("training perplexity at epoch", *map(str, _EPOCHS), "1.05 at", "s")
    printed: set = set()
    for one in learnt:
        reached = one.curve.perplexities
        rows.add_row(
            one.name,
            *(f"{reached[epoch - 1]:,.3f}" if epoch <= len(reached) else "" for epoch in _EPOCHS),
            str(one.curve.first_below(1.05) or "never"),
            f"{one.curve.seconds[-1]:.0f}",
        )
        if one.network in PRINTED and one.network not in printed:
            printed.add(one.network)
            figures = PRINTED[one.network]
            rows.add_row(
                f"  as printed{' *' if one.network in COPIED else ''}",
                *(f"{figures[epoch]:,.3f}" if epoch in figures else "" for epoch in _EPOCHS),
            )
    return rows


def _print_samples(title: str, samples: dict[str, str]) -> None:
    stdout.print(title)
    for text in samples.values():
        stdout.print("  " + escape(text.replace("\n", " ")), style="italic", soft_wrap=True)
    stdout.print()
