"""What is drawn: gradients on their way back through time."""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from modules.network.gradient_flow import Curve, Survey

# Told apart with any kind of colour vision (Okabe and Ito).
_COLOURS = {"linear": "#555555", "rnn": "#D55E00", "gru": "#0072B2", "lstm": "#009E73"}
_NAMES = {"linear": "linear RNN", "rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
_LINE_OF_TEXT = 0.045  # of a panel's height


def save(figure: Figure, path: str) -> None:
    """Writes a figure as PNG, with the directories that it lies in."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=120)


def gradient_flow(survey: "Survey") -> Figure:
    """A panel for each gain, a line for each cell, a dashed one where clipping changes it."""
    figure = Figure(figsize=(4 + 4 * len(survey.gains), 6), layout="constrained")
    figure.suptitle(
        "Gradient of the last character's loss L with respect to the hidden states h\n"
        "(networks before training; gain: spectral radius of their recurrent weights)"
    )
    (panels,) = figure.subplots(1, len(survey.gains), sharey=True, squeeze=False)
    panels[0].set_yscale("log")
    panels[0].set_ylabel("norm of ∂L/∂h")
    for panel, gain in zip(panels, survey.gains, strict=True):
        panel.set_title(f"gain {gain:g}")
        panel.set_xlabel("steps back from the loss")
        panel.grid(alpha=0.3)
        for curve in _of(gain, survey):
            _draw(panel, curve)
    figure.supxlabel(
        "solid: as computed; dashed: clipped, all gradients scaled down to a global norm of "
        f"{survey.clip_norm:g}",
        fontsize="medium",
    )
    figure.draw_without_rendering()  # only then are the panels' limits known
    for panel, gain in zip(panels, survey.gains, strict=True):
        _label(panel, _of(gain, survey))
    return figure


def _of(gain: float, survey: "Survey") -> "list[Curve]":
    return [curve for curve in survey.curves if curve.gain == gain]


def _draw(panel: Axes, curve: "Curve") -> None:
    colour = _COLOURS[curve.cell]
    panel.plot(curve.norms[::-1], color=colour)
    if curve.clipped_norms != curve.norms:
        panel.plot(curve.clipped_norms[::-1], "--", color=colour)


def _label(panel: Axes, curves: "list[Curve]") -> None:
    """Writes the cells' names at their lines' ends, as far apart as it takes to read them."""
    to_panel = panel.transData + panel.transAxes.inverted()
    lowest = 0.0
    for curve in sorted(curves, key=lambda curve: curve.norms[0]):
        _, end = to_panel.transform((len(curve.norms) - 1, curve.norms[0]))
        lowest = max(end, lowest)
        panel.text(
            1.02,
            lowest,
            _NAMES[curve.cell],
            color=_COLOURS[curve.cell],
            transform=panel.transAxes,
            verticalalignment="center",
        )
        lowest += _LINE_OF_TEXT
