"""The training benchmark's tables."""

from rich.table import Table

from benchmarks.goal import cell_table, goal_table, table
from benchmarks.results import Results
from pipeline.console.terminal import stdout

_CAPTION = (
    "Batch 32, 35 steps, 256 hidden units, vocabulary 1,027; SGD with the gradients clipped, "
    "unless a row says otherwise; 2 threads; medians over turns taken one after the other.\n"
    "PyTorch is told apart by precision; bfloat16 is of the products only.\n"
)


def print_results(results: Results) -> None:
    """All that was measured, and what it was to reach."""
    stdout.print(cell_table("ms per step", results.milliseconds, "{:.1f}"))
    stdout.print(_CAPTION, soft_wrap=True)
    for remark in results.remarks:
        stdout.print(remark + "\n", soft_wrap=True)
    if results.epochs:
        stdout.print(_epoch_table(results))
        stdout.print()
    stdout.print(goal_table(results.goals))


def _epoch_table(results: Results) -> Table:
    rows = table("characters", "s per epoch", "µs per character", "MiB held at most")
    for epoch in results.epochs:
        rows.add_row(
            f"{epoch.characters:,}",
            f"{epoch.seconds:.2f}",
            f"{epoch.seconds / epoch.characters * 1e6:.2f}",
            f"{epoch.max_rss / 2**20:,.0f}",
        )
    return rows
