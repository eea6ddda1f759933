"""Where a command's texts come from."""

import click
import pytest
from click.testing import CliRunner

from pipeline.commands.texts import ask_in_batches, text_arguments

pytestmark = pytest.mark.fast


@click.command()
@text_arguments("TEXT")
def show(texts, batch_size):
    click.echo(repr((texts, batch_size)))


def shown(*arguments, **options):
    result = CliRunner().invoke(show, arguments, **options)
    assert result.exit_code == 0, result.output
    return eval(result.output)


def test_arguments_are_taken_as_they_are():
    assert shown("春天", "", "a\nb", "--batch-size=3") == (["春天", "", "a\nb"], 3)


def test_a_dash_stands_for_the_lines_of_standard_input():
    read = shown("春", "-", "夏", input="天 \n\n来了\r\n雪")
    assert read == (["春", "天 ", "来了", "雪", "夏"], 32)


def test_files_follow_and_may_begin_with_a_mark(tmp_path):
    file, other = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_bytes("\ufeff天\n来".encode())
    other.write_text("雪\n", encoding="utf-8")
    read = shown("春", "--file", str(file), "--file", str(other))
    assert read == (["春", "天", "来", "雪"], 32)
    assert shown("--file", "-", input="天\n") == (["天"], 32)
    other.write_text("")
    assert shown("--file", str(other)) == ([], 32)


def test_what_is_no_utf_8_comes_through_to_be_refused_with_a_sentence(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xff\n")
    assert shown("--file", str(file)) == (["\udcff"], 32)


def test_no_text_at_all_is_an_error():
    result = CliRunner().invoke(show, [])
    assert result.exit_code == 2
    assert "give a TEXT, or --file; - reads lines from standard input" in result.output


def test_many_texts_are_asked_about_a_batch_at_a_time_and_answered_as_they_come():
    batches = []

    def ask(batch):
        batches.append(list(batch))
        return [text.upper() for text in batch]

    answers = ask_in_batches(ask, list("abcde"), 2)
    assert [next(answers), next(answers)] == ["A", "B"]
    assert batches == [["a", "b"]]
    assert list(answers) == list("CDE")
    assert batches == [["a", "b"], ["c", "d"], ["e"]]
