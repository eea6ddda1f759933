"""Scores on the console: each character in the colour of the model's surprise at it."""

import math
from collections.abc import Iterable

from rich.text import Text

from pipeline.console import terminal
from serving.protocol.answers import Score

# What a character was expected at least as often as, and how it is shown. The colours are of one
# hue and darken evenly, so that they can be told apart without it.
_SHADES = (
    (1 / 2, "one in 2", "black on #ffffcc"),
    (1 / 10, "one in 10", "black on #fed976"),
    (1 / 100, "one in 100", "black on #fd8d3c"),
    (1 / 1_000, "one in 1,000", "white on #e31a1c"),
    (0, "less often", "bold white on #800026"),
)
_LINE_END = "↵"  # a colour needs something to be seen on
_LINE = "{:>12}  {:>12}  {:>10}  ".format


def print_scores(texts: Iterable[str], scores: Iterable[Score]) -> None:
    """A line for each text, in colours on a terminal, with a legend."""
    in_colour = terminal.stdout.color_system is not None and not terminal.stdout.no_color
    needs_legend = False
    for number, (text, score) in enumerate(zip(texts, scores, strict=True)):
        if not number:  # not before the server has answered
            terminal.print_line(_LINE("perplexity", "nats", "characters"), "text")
        figures = _LINE(f"{score.perplexity:,.2f}", f"{score.nats:,.2f}", score.characters)
        is_coloured = in_colour and bool(score.scored)
        needs_legend |= is_coloured
        terminal.print_line(figures, _coloured(score) if is_coloured else _visible(text))
    if needs_legend:
        legend = [(f" {often} ", style) for _, often, style in _SHADES]
        terminal.print_line("\nexpected at least: ", *legend)


def _coloured(score: Score) -> Text:
    """Neighbours of one shade are one span."""
    shown = Text()
    for scored in score.scored:
        probability = math.exp(scored.log_probability)
        style = next(style for least, _, style in _SHADES if probability >= least)
        shown.append_text(Text(_visible(scored.character).plain, style))
    return shown


def _visible(text: str) -> Text:
    return terminal.literal(text.replace("\n", _LINE_END))
