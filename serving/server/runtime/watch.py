"""Cancels runs that nobody waits for any more."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

from tensorflow.python.eager.cancellation import CancellationManager

from serving.server.runtime.callers import Caller, check_wanted, given_up

_SECONDS = 0.1  # between two looks


class Watch:
    """Looks at the callers of what runs, in a thread; from any thread."""

    def __init__(self) -> None:
        self._runs: dict[CancellationManager, Sequence[Caller]] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def until_given_up(self, callers: Sequence[Caller]) -> Iterator[CancellationManager]:
        """Lends what cancels a run when none of its callers waits any more, or at the close.

        Raises:
            tf.errors.DeadlineExceededError: at the end, however the run ended, if none waits.
            tf.errors.CancelledError: likewise.
        """
        cancellation = CancellationManager()
        self._runs[cancellation] = callers
        try:
            if self._closed.is_set():
                cancellation.start_cancel()
            yield cancellation
        finally:
            del self._runs[cancellation]
            if all(map(given_up, callers)):
                check_wanted(callers[-1])

    def close(self) -> None:
        """Cancels everything; may be called again."""
        self._closed.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._closed.wait(_SECONDS):
            for cancellation, callers in list(self._runs.items()):
                if all(map(given_up, callers)):
                    cancellation.start_cancel()
        for cancellation in list(self._runs):
            cancellation.start_cancel()
