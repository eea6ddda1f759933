"""The serving benchmark's tables."""

from rich.table import Table

from benchmarks.goal import cell_table, goal_table, table
from benchmarks.serving_results import ServingResults
from benchmarks.writing import NUM_HIDDENS, VOCAB_SIZE
from pipeline.console.terminal import stdout

_CAPTION = (
    f"{NUM_HIDDENS} hidden units, vocabulary {VOCAB_SIZE:,}, the likeliest characters; the same "
    "weights everywhere; one processor, the server its own; medians over turns taken one after "
    "the other.\n"
)
_LOAD_CAPTION = (
    "`generate` of 50 characters, each client over a connection of its own, one request after the "
    "other; clients and server share the machine.\n"
)


def print_results(results: ServingResults) -> None:
    """All that was measured, and what it was to reach."""
    stdout.print(cell_table("characters per second", results.speeds, "{:,.0f}"))
    stdout.print(_CAPTION, soft_wrap=True)
    if results.loads:
        stdout.print(_load_table(results))
        stdout.print(_LOAD_CAPTION, soft_wrap=True)
    for cell, overhead in results.overheads.items():
        stdout.print(
            f"A minimal request of the {cell} takes {overhead.in_process:.2f} ms in process and "
            f"{overhead.over_grpc:.2f} ms over gRPC."
        )
    if results.memory:
        before, after = (size / 2**20 for size in (results.memory.before, results.memory.after))
        stdout.print(f"The server held {before:,.0f} MiB, and {after:,.0f} MiB in the end.")
    if results.swap:
        steady, during = results.swap.steady, results.swap.during
        stdout.print(
            f"p99 of {steady.clients} clients: {steady.p99:.1f} ms steady, {during.p99:.1f} ms "
            "while a new version is loaded and takes over.",
            soft_wrap=True,
        )
    stdout.print()
    stdout.print(goal_table(results.goals))


def _load_table(results: ServingResults) -> Table:
    rows = table(
        "cell", "batching", "clients", "p50 ms", "p99 ms", "requests/s", "characters/s", "lost"
    )
    for cell, by_batching in results.loads.items():
        for batching, loads in by_batching.items():
            for load in loads:
                rows.add_row(
                    cell,
                    "on" if batching else "off",
                    str(load.clients),
                    f"{load.p50:.1f}",
                    f"{load.p99:.1f}",
                    f"{load.requests_per_second:,.0f}",
                    f"{load.characters_per_second:,.0f}",
                    str(load.lost),
                )
    return rows
