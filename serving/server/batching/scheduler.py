"""Queues of tasks that are handed on in batches, and the threads that take them.

    key A   [▆▆▆▆▆▆▆▆] [▆▆▆▆▆ ]        closed batches first, the open one last
    key B   [▆▆    ]

A batch is closed when the next task finds no room in it; the open one is taken too as soon as
it is full or old enough. Threads take the oldest batch, so no key keeps another waiting for
longer than its turn.

Source: tensorflow/core/kernels/batching_util/shared_batch_scheduler.h.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from serving.server.batching.parameters import BatchingOptions
from serving.server.refusals import invalid_argument

Process = Callable[[list[Any]], None]


@dataclass
class _Batch:
    process: Process
    ripe_at: float  # on the monotonic clock
    tasks: list[Any] = field(default_factory=list)
    queued_at: list[float] = field(default_factory=list)  # each of them, on the monotonic clock
    size: int = 0


class BatchScheduler:
    """Collects tasks of the same key; all threads, all keys share one scheduler."""

    def __init__(
        self, options: BatchingOptions, on_wait: Callable[[float], None] = lambda _: None
    ) -> None:
        """Starts the threads.

        Args:
            options: how large batches are, and how long they wait.
            on_wait: called for each task with the seconds that it waited in its queue.
        """
        self.options = options
        self._on_wait = on_wait
        self._queues: dict[Hashable, deque[_Batch]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batches-{number}", daemon=True)
            for number in range(options.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def check_size(self, size: int) -> None:
        """Refuses what no batch could hold.

        Raises:
            tf.errors.InvalidArgumentError: if the task is larger than a batch.
        """
        largest = self.options.max_batch_size
        if size > largest:
            raise invalid_argument(
                f"Task size {size} is larger than maximum input batch size {largest}"
            )

    def schedule(self, key: Hashable, task: Any, size: int, process: Process) -> None:
        """Puts a task into a batch, which a thread will process.

        Args:
            key: only tasks with the same key come into one batch.
            task: what `process` gets, in a list with others.
            size: rows of the task.
            process: called with the tasks of a batch; must not raise.

        Raises:
            tf.errors.InvalidArgumentError: if the task is larger than a batch.
            tf.errors.ResourceExhaustedError: if the queue is full. TF Serving has UNAVAILABLE
                here, at which clients would try again at once.
        """
        self.check_size(size)
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            if not queue or queue[-1].size + size > self.options.max_batch_size:
                self._check_room(queue)
                ripe_at = time.monotonic() + self.options.batch_timeout_micros / 1e6
                queue.append(_Batch(process, ripe_at))
            queue[-1].tasks.append(task)
            queue[-1].queued_at.append(time.monotonic())
            queue[-1].size += size
            self._changed.notify()

    def close(self) -> None:
        """Processes what is in the queues, and ends the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _check_room(self, queue: deque[_Batch]) -> None:
        limit = self.options.max_enqueued_batches
        if len(queue) >= limit:
            raise tf.errors.ResourceExhaustedError(
                None,
                None,
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{len(queue)} batches enqueued and max_enqueued_batches is {limit}",
            )

    def _work(self) -> None:
        while batch := self._next():
            now = time.monotonic()
            for queued_at in batch.queued_at:
                self._on_wait(now - queued_at)
            batch.process(batch.tasks)

    def _next(self) -> _Batch | None:
        """Waits for a batch to process; None is the end."""
        with self._changed:
            while True:
                now = time.monotonic()
                ripe = [key for key, queue in self._queues.items() if self._is_ripe(queue, now)]
                if ripe:
                    return self._take(min(ripe, key=lambda key: self._queues[key][0].ripe_at))
                if self._closing:
                    return None
                waits = [queue[0].ripe_at - now for queue in self._queues.values()]
                self._changed.wait(min(waits, default=None))

    def _is_ripe(self, queue: deque[_Batch], now: float) -> bool:
        first = queue[0]
        is_full = len(queue) > 1 or first.size >= self.options.max_batch_size
        return is_full or self._closing or first.ripe_at <= now

    def _take(self, key: Hashable) -> _Batch:
        queue = self._queues[key]
        batch = queue.popleft()
        if not queue:
            del self._queues[key]
        return batch
