"""What is printed of scores, in a pipe and on a terminal."""

import io
import math

import pytest
from rich.console import Console

from pipeline.console import heat_map, terminal
from serving.protocol.answers import Score, ScoredCharacter

pytestmark = pytest.mark.fast

CHARACTERS = tuple(
    ScoredCharacter(character, math.log(probability), 1)
    for character, probability in [
        ("春", 0.51),
        ("天", 0.5),
        ("\n", 0.4),
        ("来", 0.01),
        ("[", 0.002),
        ("了", 0.0001),
    ]
)
SCORE = Score(12.5, 6, 8.03, CHARACTERS)


@pytest.fixture
def on_terminal(monkeypatch):
    """What is printed of the scores on a terminal."""

    def on_terminal(texts, scores, **options) -> str:
        console = Console(
            file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor", **options
        )
        monkeypatch.setattr(terminal, "stdout", console)
        heat_map.print_scores(texts, scores)
        return console.file.getvalue()

    return on_terminal


def test_in_a_pipe_a_score_is_one_line_however_long_its_text(capsys):
    long = "春天来了" * 40
    heat_map.print_scores(["春天\n来[", long], [SCORE, Score(9999.0, 160, math.inf)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["perplexity", "nats", "characters", "text"],
        ["8.03", "12.50", "6", "春天↵来["],
        ["inf", "9,999.00", "160", long],
    ]


def shade(rgb: str, text: str, foreground: int | str = 30) -> str:
    return f"\x1b[{foreground};48;2;{rgb}m{text}\x1b[0m"


def test_on_a_terminal_each_character_has_the_shade_of_its_surprise(on_terminal):
    _, line, _, legend = on_terminal(["春天\n来[了"], [SCORE]).splitlines()
    shown = line.partition("           6  ")[2].replace("\x1b[0m\x1b", "\x1b[0m|\x1b").split("|")
    assert shown == [
        shade("255;255;204", "春"),
        shade("255;255;204", "天"),
        shade("254;217;118", "↵"),
        shade("253;141;60", "来"),
        shade("227;26;28", "[", 37),
        shade("128;0;38", "了", "1;37"),
    ]
    for rgb, often in (("255;255;204", " one in 2 "), ("254;217;118", " one in 10 ")):
        assert shade(rgb, often) in legend


def test_a_terminal_without_colours_and_a_model_without_characters_need_no_legend(on_terminal):
    for text in (
        on_terminal(["春"], [SCORE], no_color=True),
        on_terminal(["春"], [Score(1.0, 1, math.e)]),
    ):
        assert "48;2" not in text
        assert "expected" not in text


def test_what_others_wrote_commands_no_terminal(on_terminal):
    tricky = Score(1.0, 1, 2.0, (ScoredCharacter("\x1b", -1.0, 1),))
    assert "�" in on_terminal(["\x1b"], [tricky])
