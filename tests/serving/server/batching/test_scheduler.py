"""Which tasks come into one batch, when it is taken, and what finds no room."""

import threading
import time

import pytest
import tensorflow as tf

from serving.server.batching.parameters import BatchingOptions
from serving.server.batching.scheduler import BatchScheduler


class Kitchen:
    """A scheduler whose batches are written down, and wait until they may go on."""

    def __init__(self, **options):
        self.scheduler = BatchScheduler(BatchingOptions(num_batch_threads=1, **options))
        self.batches = []
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()

    def process(self, tasks) -> None:
        self.batches.append("".join(tasks))
        self.begun.release()
        assert self.may_go_on.wait(20)

    def add(self, tasks: str, size: int = 1, key: str = "") -> None:
        for task in tasks:
            self.scheduler.schedule(key, task, size, self.process)

    def busy(self) -> None:
        """Has its only thread process something."""
        self.add("-", key="busy")
        assert self.begun.acquire(timeout=20)

    def close(self) -> list[str]:
        """All batches, when the last is done."""
        self.may_go_on.set()
        self.scheduler.close()
        return self.batches


@pytest.fixture
def kitchen():
    kitchens = []

    def open_(**options) -> Kitchen:
        kitchens.append(Kitchen(**options))
        return kitchens[-1]

    yield open_
    for each in kitchens:
        each.close()


def test_what_waits_comes_into_one_batch(kitchen):
    each = kitchen()
    each.busy()
    each.add("abc")
    assert each.close() == ["-", "abc"]


def test_batches_are_full_and_in_order(kitchen):
    each = kitchen(max_batch_size=4)
    each.busy()
    each.add("ab")
    each.add("c", size=3)  # no room beside a and b
    each.add("de")
    assert each.close() == ["-", "ab", "cd", "e"]


def test_keys_do_not_mix_and_the_oldest_comes_first(kitchen):
    each = kitchen()
    each.busy()
    each.add("ab", key="one")
    each.add("cd", key="two")
    each.add("ef", key="one")
    assert each.close() == ["-", "abef", "cd"]


def test_a_batch_waits_for_company(kitchen):
    each = kitchen(batch_timeout_micros=200_000)
    each.may_go_on.set()
    start = time.monotonic()
    each.add("a")
    each.add("b")
    assert each.begun.acquire(timeout=20)
    assert time.monotonic() - start >= 0.2
    assert each.batches == ["ab"]


def test_a_full_batch_does_not_wait(kitchen):
    each = kitchen(batch_timeout_micros=60_000_000, max_batch_size=2)
    each.may_go_on.set()
    each.add("abc")
    assert each.begun.acquire(timeout=20)
    assert each.batches == ["ab"]
    assert each.close() == ["ab", "c"]  # the end does not wait either


def test_a_full_queue_refuses(kitchen):
    each = kitchen(max_batch_size=2, max_enqueued_batches=2)
    each.busy()
    each.add("abcd")
    with pytest.raises(
        tf.errors.ResourceExhaustedError,
        match=r"^The batch scheduling queue to which this task was submitted is full; currently "
        "2 batches enqueued and max_enqueued_batches is 2$",
    ):
        each.add("e")
    each.add("f", key="another queue")
    assert each.close() == ["-", "ab", "cd", "f"]


def test_a_task_larger_than_a_batch_is_refused(kitchen):
    each = kitchen(max_batch_size=2)
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"^Task size 3 is larger than maximum input batch size 2$",
    ):
        each.add("a", size=3)
    assert each.close() == []


def test_as_many_batches_run_at_a_time_as_there_are_threads():
    together = threading.Barrier(2, timeout=20)
    scheduler = BatchScheduler(BatchingOptions(num_batch_threads=2))
    for key in "ab":
        scheduler.schedule(key, key, 1, lambda tasks: together.wait())
    scheduler.close()
    assert not together.broken


def test_how_long_each_task_waited_is_told():
    waits, done = [], threading.Event()
    options = BatchingOptions(num_batch_threads=1, batch_timeout_micros=50_000)
    scheduler = BatchScheduler(options, on_wait=waits.append)
    for task in "ab":
        scheduler.schedule("", task, 1, lambda _: done.set())
    assert done.wait(20)
    scheduler.close()
    first, second = waits
    assert first >= second > 0
    assert first >= 0.05
