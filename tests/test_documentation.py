"""What the documents name is there: files, targets of make, commands with their options."""

import re
import shlex
from pathlib import Path

import click
import pytest

from pipeline.cli import main

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("benchmarks", "components", "data", "docs", "modules", "pipeline", "serving", "tests")
DOCUMENTS = [
    ROOT / "README.md",
    *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.md"))),
]

pytestmark = pytest.mark.fast


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request) -> Path:
    return request.param


def test_what_a_document_links_to_is_there(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_paths_in_a_document_are_there(document):
    named = re.findall(rf"(?<![\w./])(?:{'|'.join(ROOMS)})/[\w./-]*\b", document.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_targets_that_a_document_makes_are_in_the_makefile(document):
    made = re.findall(r"(?:^ {4}|`)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(made) <= set(targets)


def parse(command: click.Command, arguments: list[str]) -> None:
    """Raises click.UsageError where there is no such subcommand or option."""
    context = click.Context(command)
    _, rest, _ = command.make_parser(context).parse_args(list(arguments))
    if isinstance(command, click.Group):
        _, subcommand, rest = command.resolve_command(context, rest)
        parse(subcommand, rest)


def test_the_command_takes_the_options_in_a_document(document):
    shown = document.read_text("utf-8").replace("\\\n", " ")
    for line in re.findall(r"^ {4}\.venv/bin/lyrics (.*)", shown, re.MULTILINE):
        parse(main, shlex.split(line, comments=True))
