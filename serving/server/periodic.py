"""A function that is called again and again in a thread of its own. No TensorFlow here."""

import logging
import threading
from collections.abc import Callable

_logger = logging.getLogger(__name__)


class Periodic:
    """Calls a function at intervals, from `start` to `stop`; an error is logged, and no end."""

    def __init__(self, function: Callable[[], None], seconds: float) -> None:
        """Prepares the thread.

        Args:
            function: called without arguments, one call at a time.
            seconds: between two calls, and before the first; 0 or less is never.
        """
        self._function = function
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins to wait for the first call."""
        if self._seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """Ends the calls; waits for one that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._function()
            except Exception:
                _logger.exception("%s failed", self._function.__qualname__)
