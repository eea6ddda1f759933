import pytest

from modules.errors import ServingError
from pipeline.console import written
from serving.protocol.answers import Generated

pytestmark = pytest.mark.fast


TRICKY = "[red]分[/red] [/] [link=x] :heart: \\[b]"


def test_what_a_beam_search_found(capsys):
    written.print_beams([[Generated("春天", -1.5), Generated("春\n", -2.25)]])
    assert capsys.readouterr().out == "        nats  text\n        1.50  春天\n        2.25  春 \n"


def test_texts_of_several_lines_are_kept_apart(capsys):
    written.print_texts(["春\n天", TRICKY])
    assert capsys.readouterr().out == f"春\n天\n\n{TRICKY}\n"


def test_a_stream_shows_each_piece_when_it_is_there(capsys):
    seen = []

    def pieces():
        for piece in ("天", "\x1b[2J", "来\n了"):
            seen.append(capsys.readouterr().out)
            yield piece

    written.print_stream(TRICKY, pieces())
    assert [*seen, capsys.readouterr().out] == ["", f"{TRICKY}天", "�[2J", "来\n了\n"]


def test_a_stream_that_breaks_ends_its_line_and_one_that_never_was_has_none(capsys):
    def breaks(*pieces):
        yield from pieces
        raise ServingError("gone")

    for pieces, printed in (("天",), "春天\n"), ((), ""):
        with pytest.raises(ServingError):
            written.print_stream("春", breaks(*pieces))
        assert capsys.readouterr().out == printed
