"""How fast a served model writes, beside the book's loop: `make bench-serving`."""

import dataclasses
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.contest import contestants, take_turns
from benchmarks.corpora import ROOT
from benchmarks.goal import as_json
from benchmarks.load import Load, put_under_load
from benchmarks.served_model import VERSIONS, export
from benchmarks.server import Server, serve
from benchmarks.serving_report import print_results
from benchmarks.serving_results import (
    BOOK,
    IN_PROCESS,
    OVER_GRPC,
    XLA,
    Memory,
    Overhead,
    ServingResults,
    Swap,
)
from benchmarks.writing import Writing
from modules.contract import GENERATE, GENERATE_XLA
from pipeline.console import messages, progress

_NUM_CHARS = 50  # as many as the book prints
_MINIMAL = 100  # requests of one character, in a turn
_FEW_CLIENTS = 8
# The rows, each with the module of its contestant and what is its own of the task.
_ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    BOOK: ("book_predict", {"num_chars": 200}),
    IN_PROCESS[1]: ("saved_model", {"num_chars": 1_000}),
    IN_PROCESS[32]: ("saved_model", {"num_chars": 1_000, "batch_size": 32}),
    XLA[1]: ("saved_model", {"num_chars": 1_000, "xla": True}),
    XLA[32]: ("saved_model", {"num_chars": 1_000, "batch_size": 32, "xla": True}),
    OVER_GRPC: ("over_grpc", {"num_chars": _NUM_CHARS, "repeats": 20}),
}
_BATCHING = (
    "--enable-batching=true",
    "--tensorflow-intra-op-parallelism=1",
    f"--batching-parameters-file={ROOT / 'serving' / 'deploy' / 'config' / 'batching.config'}",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        cells: of which networks; memory and swap are measured of the last one.
        modules: the contestants.
        rounds: turns that each contestant has.
        shortened: whether a turn is cut down to a few characters.
        clients: how many ask at the same time, one figure after the other.
        requests: of each of these.
        many_requests: after which memory is to be what it was.
        signatures: of the model, in place of all.
    """

    cells: tuple[str, ...] = ("rnn", "lstm", "gru")
    modules: tuple[str, ...] = ("book_predict", "saved_model", "over_grpc")
    rounds: int = 7
    shortened: bool = False
    clients: tuple[int, ...] = (1, 8, 64)
    requests: int = 1_000
    many_requests: int = 10_000
    signatures: tuple[str, ...] = ()

    def cut(self, task: Writing) -> Writing:
        """The task of one turn."""
        return dataclasses.replace(task, num_chars=2, repeats=1) if self.shortened else task


_QUICK = Plan(
    cells=("rnn",),
    modules=("saved_model", "over_grpc"),
    rounds=1,
    shortened=True,
    clients=(1, 2),
    requests=20,
    many_requests=20,
    signatures=(GENERATE, GENERATE_XLA),
)


@click.command()
@click.option("--quick", is_flag=True, help="Only whether it works: seconds, and figures of none.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write them there too.")
def main(quick: bool, json_file: str | None) -> None:
    """Time how a served model writes, in process and over gRPC, and print the tables."""
    messages.set_up_logging(verbose=False)
    with tempfile.TemporaryDirectory() as directory:
        results = measure(_QUICK if quick else Plan(), Path(directory))
    print_results(results)
    if json_file:
        content = dataclasses.asdict(results) | {"goals": as_json(results.goals)}
        Path(json_file).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def measure(plan: Plan, directory: Path) -> ServingResults:
    """Takes all the figures, telling what it is at."""
    results = ServingResults({})
    done, total = itertools.count(), 3 * len(plan.cells) + 2
    with progress.progress() as on_stage:

        def at(stage: str) -> None:
            on_stage(stage, next(done), total)

        for cell in plan.cells:
            export(cell, directory / cell, plan.signatures)
            task = Writing(cell, str(directory / cell), _NUM_CHARS)
            with _served(task) as (server, asking):
                at(f"characters of the {cell}")
                _write(plan, asking, results)
                at(f"clients of the {cell}")
                results.loads[cell] = {False: _crowds(plan, asking)}
                if cell == plan.cells[-1]:
                    at("memory")
                    memory = _memory(plan, server, asking)
                    at("a swap under load")
                    swap = _swap(plan, server, asking)
            with _served(task, *_BATCHING) as (_, asking):
                at(f"clients of the {cell} with batching")
                results.loads[cell][True] = _crowds(plan, asking)
    return dataclasses.replace(results, memory=memory, swap=swap)


@contextmanager
def _served(task: Writing, *flags: str) -> Iterator[tuple[Server, Writing]]:
    """A server of the task's model, and the task that asks it."""
    with serve(Path(task.model) / VERSIONS, *flags) as server:
        yield server, dataclasses.replace(task, target=server.target)


def _write(plan: Plan, asking: Writing, results: ServingResults) -> None:
    """Characters per second by row, and milliseconds of a minimal request."""
    rows = {row: own for row, own in _ROWS.items() if own[0] in plan.modules}
    with _one_processor(), contestants(dict.fromkeys(plan.modules, sys.executable)) as started:
        entries = {
            row: (started[module], plan.cut(dataclasses.replace(asking, **own)))
            for row, (module, own) in rows.items()
        }
        for row, turn in take_turns(entries, plan.rounds).items():
            speed = entries[row][1].characters / statistics.median(turn.seconds)
            results.speeds.setdefault(row, {})[asking.cell] = speed
        minimal = plan.cut(dataclasses.replace(asking, num_chars=1, repeats=_MINIMAL))
        asked = {module: (started[module], minimal) for module in ("saved_model", "over_grpc")}
        in_process, over_grpc = (
            1000 * statistics.median(turn.seconds) / minimal.repeats
            for turn in take_turns(asked, plan.rounds).values()
        )
        results.overheads[asking.cell] = Overhead(in_process, over_grpc)


@contextmanager
def _one_processor() -> Iterator[None]:
    """What is started now has a processor, and so a thread, to compute with."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)


def _crowds(plan: Plan, asking: Writing) -> list[Load]:
    """Of one client, and of ever more at once."""
    # A batch of a new size is slower, so each is to have come.
    put_under_load(asking, max(plan.clients), 2 * plan.requests)
    return [put_under_load(asking, clients, plan.requests) for clients in plan.clients]


def _memory(plan: Plan, server: Server, asking: Writing) -> Memory:
    minimal = dataclasses.replace(asking, num_chars=1)
    put_under_load(minimal, _FEW_CLIENTS, plan.many_requests // 4)
    before = server.rss()
    load = put_under_load(minimal, _FEW_CLIENTS, plan.many_requests)
    return Memory(load.requests, before, server.rss())


def _swap(plan: Plan, server: Server, asking: Writing) -> Swap:
    """As many requests in both, but on until the new version is the only one."""
    steady = put_under_load(asking, _FEW_CLIENTS, plan.requests)
    with ThreadPoolExecutor(1) as pool:
        swapped = pool.submit(server.swap)
        during = put_under_load(asking, _FEW_CLIENTS, plan.requests, swapped.done)
        swapped.result()
    return Swap(steady, during)


if __name__ == "__main__":
    main()
