"""Waits for what happens in another thread or process, and no longer."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], timeout: float = 30) -> None:
    """Looks every hundredth of a second whether it holds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
