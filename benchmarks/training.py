"""How fast training is, beside others: `make bench-training`."""

import dataclasses
import itertools
import json
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from benchmarks.contest import Contestant, contestants, take_turns
from benchmarks.corpora import ROOT, book_ids
from benchmarks.floor import GEMM_FLOPS, flops
from benchmarks.goal import as_json
from benchmarks.report import print_results
from benchmarks.results import (
    BOOK,
    BOOK_MINIBATCHES,
    FLOOR,
    KERAS,
    OURS,
    OURS_ADAM,
    OURS_EMBEDDING,
    PYTORCH,
    Epoch,
    Memorised,
    Results,
)
from benchmarks.task import Task
from modules.hyperparameters import Cell
from modules.training.precision import BFLOAT16_INSTRUCTIONS, cpu_flags, cpu_info
from pipeline.console import progress

_THREADS = 2
_PYTORCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
_ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 1e-2, "clip_norm": 1.0}
_BF16: dict[str, Any] = {"precision": "bfloat16"}
_EMBEDDING = {"embedding_size": Task.num_hiddens}
_BY_HEART: dict[str, Any] = _ADAM | _BF16 | _EMBEDDING
_KNOWN = 1.05  # the perplexity
# The rows, each with the module of its contestant and what is its own of the task.
_ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    BOOK: ("book", {}),
    KERAS: ("keras_fit", {}),
    PYTORCH["float32"]: ("pytorch", {}),
    PYTORCH["bfloat16"]: ("pytorch", _BF16),
    OURS["float32"]: ("ours", {}),
    OURS["bfloat16"]: ("ours", _BF16),
    OURS_EMBEDDING["float32"]: ("ours", _EMBEDDING),
    OURS_EMBEDDING["bfloat16"]: ("ours", _EMBEDDING | _BF16),
    OURS_ADAM["float32"]: ("ours", _ADAM),
    OURS_ADAM["bfloat16"]: ("ours", _ADAM | _BF16),
    FLOOR["float32"]: ("gemm", {}),
    FLOOR["bfloat16"]: ("gemm", _BF16),
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        cells: of which networks.
        modules: the contestants.
        rounds: turns that each contestant has.
        steps: of a turn.
        corpora: minibatches of the corpora whose epochs are timed.
        epochs: in which the book's text is to be known by heart; 0 does not try.
    """

    cells: tuple[str, ...] = get_args(Cell)
    modules: tuple[str, ...] = ("book", "keras_fit", "pytorch", "ours", "gemm")
    rounds: int = 7
    steps: int = 3 * BOOK_MINIBATCHES
    corpora: tuple[int, ...] = (9, 90, 1_786)  # 10,080, 100,800 and 2,000,320 characters
    epochs: int = 60


_QUICK = Plan(("rnn",), ("ours", "gemm"), rounds=1, steps=2, corpora=(), epochs=0)


@click.command()
@click.option(
    "--cell",
    type=click.Choice(get_args(Cell)),
    multiple=True,
    default=get_args(Cell),
    help="Networks whose steps are timed; all.",
)
@click.option("--quick", is_flag=True, help="Only whether it works: seconds, and figures of none.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write them there too.")
def main(cell: tuple[str, ...], quick: bool, json_file: str | None) -> None:
    """Time training steps beside other ways to train, and print the table."""
    with tempfile.TemporaryDirectory() as directory:
        ids = Path(directory) / "ids.npy"
        np.save(ids, book_ids())
        results = measure(_QUICK if quick else Plan(cell), str(ids))
    print_results(results)
    if json_file:
        Path(json_file).write_text(json.dumps(_as_json(results), indent=2) + "\n", "utf-8")


def measure(plan: Plan, ids: str) -> Results:
    """Takes all the times on `_THREADS` processors, telling what it is at."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_THREADS])  # the contestants' too
    interpreters, absent = _present(plan.modules)
    milliseconds: dict[str, dict[str, float]] = {}
    epochs, memorised = [], None
    done, total = itertools.count(), len(plan.cells) + len(plan.corpora) + bool(plan.epochs)
    with progress.progress() as on_stage:
        with contestants(interpreters) as started:
            for cell in plan.cells:
                on_stage(f"steps of the {cell}", next(done), total)
                for row, value in _time_steps(plan, started, Task(cell, ids=ids)).items():
                    milliseconds.setdefault(row, {})[cell] = value
        for minibatches in plan.corpora:
            on_stage(f"epochs of {minibatches:,} minibatches", next(done), total)
            epochs.append(_time_epochs(Task("gru", "bfloat16", minibatches, ids)))
        if plan.epochs:
            on_stage("the book's text by heart", next(done), total)
            memorised = _memorise(np.load(ids), plan.epochs)
    return Results(milliseconds, epochs, memorised, absent, _processor())


def _as_json(results: Results) -> dict[str, Any]:
    return dataclasses.asdict(results) | {"goals": as_json(results.goals)}


def _processor() -> str:
    """Its name, and what it multiplies bfloat16 with, on which those times hang."""
    instructions = [name for name in BFLOAT16_INSTRUCTIONS if name in cpu_flags()]
    return f"{cpu_info('model name')}, with {' and '.join(instructions) or 'no bfloat16'}"


def _present(modules: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The interpreter of each contestant that can take part, and why one cannot."""
    interpreters = dict.fromkeys(modules, sys.executable)
    if "pytorch" in modules and not _PYTORCH_PYTHON.exists():
        del interpreters["pytorch"]
        return interpreters, ["PyTorch is not installed: `make bench-pytorch` installs it."]
    if "pytorch" in modules:
        interpreters["pytorch"] = str(_PYTORCH_PYTHON)
    return interpreters, []


def _time_steps(plan: Plan, started: dict[str, Contestant], task: Task) -> dict[str, float]:
    """Milliseconds per step of one cell, by row."""
    entries = {
        row: (started[module], dataclasses.replace(task, steps=plan.steps, **own))
        for row, (module, own) in _ROWS.items()
        if module in started
    }
    turns = take_turns(entries, plan.rounds)
    times = {row: statistics.median(turn.seconds) / plan.steps for row, turn in turns.items()}
    for row in FLOOR.values():
        # The fastest of the products, so that it is a floor.
        peak = GEMM_FLOPS * plan.steps / min(turns[row].seconds)
        times[row] = flops(task) / peak
    return {row: seconds * 1000 for row, seconds in times.items()}


def _time_epochs(task: Task) -> Epoch:
    """Epochs of a corpus in a process that sees no other, for its memory's sake."""
    rounds = max(1, min(7, 500 // task.steps))
    with contestants({"ours": sys.executable}) as started:
        turn = take_turns({"ours": (started["ours"], task)}, rounds)["ours"]
    return Epoch(task.characters, statistics.median(turn.seconds), turn.max_rss)


def _memorise(ids: np.ndarray, num_epochs: int) -> Memorised:
    """The epochs and the seconds are infinite if that many epochs do not do."""
    from benchmarks.learning import learn  # brings in TensorFlow
    from modules.hyperparameters import Hyperparameters

    with tempfile.TemporaryDirectory() as directory:
        for epochs in (1, num_epochs):  # the first time loads what the book's has loaded, too
            hyperparameters = Hyperparameters(num_epochs=epochs, sample_every=0, **_BY_HEART)
            place = Path(directory) / str(epochs)
            place.mkdir()
            _, curve = learn(ids, Task.vocab_size, hyperparameters, "consecutive", place)
    epoch = curve.first_below(_KNOWN)
    if epoch is None:
        return Memorised(curve.best(num_epochs), math.inf, math.inf)
    return Memorised(curve.perplexities[epoch - 1], epoch, curve.seconds[epoch - 1])


if __name__ == "__main__":
    main()
