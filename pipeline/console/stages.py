"""What became of a run on Kubeflow, stage by stage."""

from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.console import terminal

if TYPE_CHECKING:
    from pipeline.kubeflow.client import Outcome  # brings in KFP


def print_outcome(outcome: "Outcome") -> None:
    """A line for each stage; what the model came to is in the artifacts, on KFP's page."""
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "state", "seconds"):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for stage in outcome.stages:
        table.add_row(stage.name, stage.state.lower() or "not begun", f"{stage.seconds:,.1f}")
    terminal.stdout.print(table)
    terminal.print_line(f"The run {outcome.state.lower()}.")
