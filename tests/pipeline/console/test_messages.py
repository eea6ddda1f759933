import logging

import pytest

from pipeline.console import messages

pytestmark = pytest.mark.fast


TRICKY = "[red]分[/red] [/] [link=x] :heart: \\[b]"


def test_messages_go_to_standard_error_unbroken(capsys):
    message = f"{TRICKY} {'x' * 200}"
    handler = messages._ConsoleHandler()
    handler.emit(logging.makeLogRecord({"msg": "%s", "args": (message,)}))
    captured = capsys.readouterr()
    assert captured.err == f"{message}\n"
    assert captured.out == ""
