"""How good the models are: `make bench-quality`."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from benchmarks.corpora import BOOK, CORPORA, book_text
from benchmarks.quality_report import print_held_out, print_learnt
from modules.hyperparameters import Cell
from modules.windows.windowing import Sampling
from pipeline.console import messages, progress, terminal

if TYPE_CHECKING:  # they bring in TensorFlow
    from benchmarks.book_settings import Learnt
    from benchmarks.held_out import HeldOut

PARTS = ("book", "held-out")
_EPOCHS = 250


def _choice(name: str, choices: tuple[str, ...], what: str) -> Any:
    kind = click.Choice(choices)
    return click.option(name, type=kind, multiple=True, default=choices, help=f"{what}; all.")


@click.command()
@_choice("--part", PARTS, "Training perplexity on the book's settings, or that of held-out text")
@_choice("--cell", get_args(Cell), "Networks that learn the book's text")
@_choice("--sampling", get_args(Sampling), "How they read it")
@_choice("--corpus", tuple(CORPORA), "Corpora whose held-out text is scored")
@click.option("--root", default="runs/quality", show_default=True, help="Where the runs go.")
@click.option("--quick", is_flag=True, help="Only whether it works: two epochs of everything.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write them there too.")
def main(
    part: tuple[str, ...],
    cell: tuple[Cell, ...],
    sampling: tuple[Sampling, ...],
    corpus: tuple[str, ...],
    root: str,
    quick: bool,
    json_file: str | None,
) -> None:
    """Measure perplexities, of training text and of held-out text, and print the tables."""
    messages.set_up_logging(verbose=False)
    results: dict[str, list[Any]] = {}
    if "book" in part:
        text = book_text()
        if text is None:
            _skip("the book's text", BOOK)
        else:
            results["book"] = learn(text, cell, sampling, 2 if quick else _EPOCHS)
            print_learnt(results["book"], text)
    if "held-out" in part:
        results["held_out"] = score(corpus, root, {"num_epochs": 2} if quick else {})
        if results["held_out"]:
            print_held_out(results["held_out"])
    if json_file:
        text = json.dumps(results, default=dataclasses.asdict, ensure_ascii=False, indent=2)
        Path(json_file).write_text(text + "\n", "utf-8")


def learn(
    text: str, cells: tuple[Cell, ...], samplings: tuple[Sampling, ...], num_epochs: int
) -> "list[Learnt]":
    """Part 1."""
    with progress.working("importing TensorFlow"):
        from benchmarks.book_settings import learn_by_heart, tasks
    todo, learnt = tasks(cells, samplings), []
    with progress.progress() as on_stage:
        for done, (network, recipe) in enumerate(todo):
            on_stage(f"{network}, {recipe}", done, len(todo))
            learnt.append(learn_by_heart(text, network, recipe, num_epochs))
    return learnt


def score(corpora: tuple[str, ...], root: str, overrides: dict[str, Any]) -> "list[HeldOut]":
    """Part 2, of the corpora that are there."""
    with progress.working("importing TFX"):
        from benchmarks.held_out import measure
    held_out = []
    for corpus in corpora:
        if not CORPORA[corpus].is_file():
            _skip(corpus, CORPORA[corpus])
            continue
        terminal.stderr.print(f"{corpus}:")
        with progress.progress() as on_stage:
            held_out.append(measure(corpus, root, overrides, on_stage))
    return held_out


def _skip(what: str, path: Path) -> None:
    terminal.stderr.print(
        f"{what} is left out: there is no {path.name}, not a part of this project"
    )


if __name__ == "__main__":
    main()
