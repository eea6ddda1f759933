"""The scale benchmark's tables and its picture."""

import math

from matplotlib.figure import Figure
from rich.table import Table

from benchmarks.goal import goal_table, table
from benchmarks.scale_results import Results, Size, exponent
from pipeline.console.terminal import stdout

# What is measured of each stage: its heading, and its unit.
KINDS = {
    "cpu": ("seconds of processors", 1.0),
    "seconds": ("seconds", 1.0),
    "peaks": ("MiB, all in one process", 2.0**20),
    "workers": ("MiB of a worker", 2.0**20),
}
# Told apart with any kind of colour vision (Okabe and Ito); the other stages take next to nothing.
_COLOURS = {
    "LyricsExampleGen": "#000000",
    "StatisticsGen": "#56B4E9",
    "Transform": "#E69F00",
    "NgramModel": "#D55E00",
    "SequenceWindows": "#009E73",
    "Evaluator": "#0072B2",
}
_CAPTION = (
    "The corpora are songci, and songci again with its lines in other orders; every stage runs in "
    "a process of its own. Nothing is trained: Trainer copies a tiny model (8 units, 256 entries), "
    "which Evaluator scores with.\n"
    "The exponent is the slope, on logarithmic scales, of what a stage takes over what it takes of "
    "the least corpus; without one, that is nothing that can be told from the machine's ups and "
    "downs. A worker is the process of Beam's beside the stage's own.\n"
)


def print_results(results: Results) -> None:
    """All that was measured, and what it was to reach."""
    for kind in KINDS:
        stdout.print(_size_table(results, kind))
        stdout.print()
    stdout.print(_CAPTION, soft_wrap=True)
    if results.texts:
        stdout.print(_text_table(results))
        stdout.print()
    stdout.print(f"Processor: {results.processor}\n", soft_wrap=True)
    stdout.print(goal_table(results.goals))


def draw(results: Results) -> Figure:
    """A panel for the time and each kind of memory, over the characters of the corpus."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    drawn = [kind for kind in KINDS if kind != "cpu"]
    for axes, kind in zip(figure.subplots(1, 3), drawn, strict=True):
        title, unit = KINDS[kind]
        sizes = _sizes(results, kind)
        millions = [size.characters / 1e6 for size in sizes]
        for stage in (stage for stage in _COLOURS if sizes and stage in getattr(sizes[0], kind)):
            values = [getattr(size, kind)[stage] / unit for size in sizes]
            axes.plot(millions, values, "o-", color=_COLOURS[stage], label=stage, markersize=4)
        axes.set(title=title, xlabel="millions of characters")
        axes.grid(visible=True, color="#DDDDDD", linewidth=0.5)
        if kind != "seconds":
            axes.set_ylim(bottom=0)
    time, *_ = figure.axes
    time.set(xscale="log", yscale="log")
    time.axline((1, 1), (10, 10), color="#999999", linestyle="--", label="in proportion")
    for axis in (time.xaxis, time.yaxis):
        axis.set_major_formatter("{x:g}")
    figure.legend(
        *time.get_legend_handles_labels(), loc="outside lower center", ncols=7, fontsize=9
    )
    return figure


def _sizes(results: Results, kind: str) -> list[Size]:
    """Those that were measured so."""
    return [size for size in (results.base, *results.sizes) if getattr(size, kind)]


def _size_table(results: Results, kind: str) -> Table:
    title, unit = KINDS[kind]
    sizes = _sizes(results, kind)
    rows = table(title, *(f"{size.characters / 1e6:.3g} M" for size in sizes), "exponent")
    exponents = results.exponents(kind)
    for name in getattr(results.base, kind):
        values = (f"{getattr(size, kind)[name] / unit:,.{int(unit == 1)}f}" for size in sizes)
        value = exponents[name]
        rows.add_row(name, *values, "" if math.isnan(value) else f"{value:.2f}")
    return rows


def _text_table(results: Results) -> Table:
    rows = table("characters of songci", "distinct", "distinct n-grams of orders 1 to 5")
    for text in results.texts:
        rows.add_row(f"{text.characters:,}", f"{text.vocabulary:,}", f"{text.ngrams:,}")
    characters = [text.characters for text in results.texts]
    rows.add_row(
        "exponent",
        f"{exponent(characters, [text.vocabulary for text in results.texts]):.2f}",
        f"{exponent(characters, [text.ngrams for text in results.texts]):.2f}",
    )
    return rows
