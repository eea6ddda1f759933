"""Candidates for a missing character or the next one, ranked."""

from collections.abc import Iterable, Sequence

from pipeline.console import terminal
from serving.protocol.answers import Candidate, Filled


def print_filled(answers: Iterable[Filled]) -> None:
    """Each text filled in, and under it a line for each blank: its candidates, ranked."""
    for filled in answers:
        terminal.print_line(terminal.literal(filled.text.replace("\n", " ")))
        for blank in filled.blanks:
            _print_ranked(blank)


def print_candidates(prefixes: Iterable[str], answers: Iterable[Sequence[Candidate]]) -> None:
    """Each prefix, and under it what may come next, ranked."""
    for prefix, candidates in zip(prefixes, answers, strict=True):
        terminal.print_line(terminal.literal(prefix.replace("\n", " ")))
        _print_ranked(candidates)


def _print_ranked(candidates: Sequence[Candidate]) -> None:
    ranked = [f"{_visible(c.character)} {c.probability:.1%}" for c in candidates]
    terminal.print_line(terminal.literal("    " + "   ".join(ranked)))


def _visible(character: str) -> str:
    return {"\n": "line end", " ": "space"}.get(character, character)
