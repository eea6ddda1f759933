"""How gradients go back through time, as a table; `charts` draws them."""

from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.console import terminal

if TYPE_CHECKING:
    from modules.network.gradient_flow import Survey  # brings in TensorFlow


def print_survey(survey: "Survey") -> None:
    """The first and the last step's gradient of each curve, and how exact they are."""
    table = Table(box=None, pad_edge=False)
    headings = ("gain", "cell", "last step", "first step", "first, clipped", "all weights")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "cell" else "right")
    for curve in survey.curves:
        norms = (curve.norms[-1], curve.norms[0], curve.clipped_norms[0], curve.gradient_norm)
        table.add_row(f"{curve.gain:g}", curve.cell, *map("{:.2g}".format, norms))
    terminal.print_line(
        "Norm of the last character's gradient, by hidden states and by all weights:"
    )
    terminal.stdout.print(table)
    terminal.print_line(
        "By hand and by the closed form of section 6.6, the linear network's gradients differ by "
        f"{max(survey.closed_form_errors):.1e} of their norm at most."
    )
