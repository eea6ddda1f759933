"""What a benchmark is to reach."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """A figure beside what it is to be.

    Attributes:
        name: what was measured.
        value: what it came to.
        bound: the greatest value that reaches the goal, or the least.
        at_least: whether it is the least.
    """

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the value keeps the bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def as_json(goals: Iterable[Goal]) -> list[dict[str, Any]]:
    """The goals, each with whether it is reached."""
    return [asdict(goal) | {"reached": goal.reached} for goal in goals]


def goal_table(goals: Iterable[Goal]) -> Table:
    """A row for each goal."""
    rows = table("goal", "is", "to be", "")
    for goal in goals:
        sign, verdict = "≥" if goal.at_least else "≤", "reached" if goal.reached else "missed"
        rows.add_row(goal.name, f"{goal.value:.3f}", f"{sign} {goal.bound:g}", verdict)
    return rows


def cell_table(title: str, by_row: Mapping[str, Mapping[str, float]], form: str) -> Table:
    """Figures in rows by name and columns by recurrent cell."""
    cells = list(dict.fromkeys(cell for row in by_row.values() for cell in row))
    rows = table(title, *cells)
    for row, values in by_row.items():
        rows.add_row(row, *(form.format(values[cell]) for cell in cells))
    return rows


def table(title: str, *columns: str) -> Table:
    """An empty table of figures, each row with a name."""
    made = Table(title, box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right")
    return made
