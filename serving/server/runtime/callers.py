"""Who waits for an answer, and whether anybody still does."""

import time
from typing import Protocol

import tensorflow as tf


class Caller(Protocol):
    """Who waits: every `grpc.ServicerContext` is one."""

    def is_active(self) -> bool:
        """Whether the call was neither cancelled nor ended."""

    def time_remaining(self) -> float | None:
        """Seconds to the deadline, not below 0; infinite or None where there is none."""


class Patient:
    """A caller who waits as long as it takes."""

    def is_active(self) -> bool:
        """See `Caller`."""
        return True

    def time_remaining(self) -> float | None:
        """See `Caller`."""
        return None


PATIENT = Patient()


class Impatient:
    """A caller who waits some seconds, from the moment that it is made, or hangs up before."""

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout
        self._active = True

    def hang_up(self) -> None:
        """Waits no longer."""
        self._active = False

    def is_active(self) -> bool:
        """See `Caller`."""
        return self._active

    def time_remaining(self) -> float:
        """See `Caller`."""
        return max(0.0, self._end - time.monotonic())


def given_up(caller: Caller) -> tf.errors.OpError | None:
    """Why the caller waits no longer; None if it does."""
    if caller.time_remaining() == 0:
        return tf.errors.DeadlineExceededError(None, None, "the deadline has passed")
    if not caller.is_active():
        return tf.errors.CancelledError(None, None, "the call was cancelled")
    return None


def check_wanted(caller: Caller) -> None:
    """Ends work that nobody waits for.

    Raises:
        tf.errors.DeadlineExceededError: if the deadline has passed.
        tf.errors.CancelledError: if the call was cancelled.
    """
    if error := given_up(caller):
        raise error
