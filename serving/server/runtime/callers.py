"""Who waits for an answer, and whether anybody still does."""

import math
import time
from collections.abc import Iterable
from typing import Protocol

import tensorflow as tf

_LONGEST_TIMEOUT = 24 * 3600.0  # seconds; a deadline further away is as good as none


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


class Impatient(Patient):
    """A caller who waits some seconds, from the moment that it is made."""

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout

    def time_remaining(self) -> float:
        """See `Caller`."""
        return max(0.0, self._end - time.monotonic())


def check_wanted(caller: Caller) -> None:
    """Stops before work that nobody waits for.

    Raises:
        tf.errors.DeadlineExceededError: if the deadline has passed.
        tf.errors.CancelledError: if the call was cancelled.
    """
    if caller.time_remaining() == 0:
        raise tf.errors.DeadlineExceededError(None, None, "the deadline passed before the start")
    if not caller.is_active():
        raise tf.errors.CancelledError(None, None, "the call was cancelled before the start")


def run_options(callers: Iterable[Caller]) -> tf.compat.v1.RunOptions | None:
    """Makes a session stop when the last of the callers has given up; None if one never does.

    Source: DeadlineToTimeoutMillis in TF Serving, model_servers/prediction_service_util.cc.
    """
    timeouts = (caller.time_remaining() for caller in callers)
    longest = max(math.inf if timeout is None else timeout for timeout in timeouts)
    if longest > _LONGEST_TIMEOUT:
        return None
    return tf.compat.v1.RunOptions(timeout_in_ms=math.ceil(longest * 1000) or 1)
