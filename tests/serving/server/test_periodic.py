"""Functions that are called again and again."""

import threading
import time

import pytest

from serving.server.periodic import Periodic

pytestmark = pytest.mark.fast


def test_an_error_is_logged_and_no_end(caplog):
    calls, twice = [], threading.Event()

    def fail() -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            twice.set()
        raise ValueError("not today")

    periodic = Periodic(fail, seconds=0.02)
    start = time.monotonic()
    periodic.start()
    assert twice.wait(20)
    periodic.stop()
    assert calls[0] >= start + 0.02  # not at once
    count = len(calls)
    time.sleep(0.06)
    assert len(calls) == count
    assert [record.levelname for record in caplog.records] == ["ERROR"] * count
    assert "fail failed" in caplog.text
    assert "ValueError: not today" in caplog.text


def test_no_seconds_is_never():
    calls: list[None] = []
    periodic = Periodic(lambda: calls.append(None), seconds=0)
    periodic.start()
    time.sleep(0.02)
    periodic.stop()
    assert not calls
