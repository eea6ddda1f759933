"""Dynamic batching: requests of several callers run together, as rows of one batch.

    caller 1   prefix [2] ┐                        ┌ text [2]   caller 1
    caller 2   prefix [1] ├ concatenate, run, split┤ text [1]   caller 2
    caller 3   prefix [3] ┘                        └ text [3]   caller 3

Only requests whose answers are the same as if each had come alone are put together:

- they ask the same signature of the same version, for the same outputs;
- every input has one row for each row of the request;
- the rows of an output have one shape, known from the signature. Where it is as wide as the
  widest row of the batch, as log-probabilities of texts are, others would be padded.

All others run alone, though not with more rows than a batch may have. Where a batch fails, its
requests run again one by one, so that the error meets only the one that is to blame.

Source: TF Serving, batching/batching_session.cc, where outputs may be padded and all
requests of a batch get the error of one.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.protocol.protos import meta_graph_pb2
from serving.server.batching.scheduler import BatchScheduler
from serving.server.refusals import failed_precondition
from serving.server.runtime.callers import Caller, given_up
from serving.server.runtime.loaded_model import LoadedModel

_Run = Callable[..., dict[str, np.ndarray]]


@dataclass
class _Task:
    """One request that waits for its answer."""

    inputs: Mapping[str, np.ndarray]
    caller: Caller
    size: int  # rows
    answer: "Future[dict[str, np.ndarray]]" = field(default_factory=Future)


class BatchingModel(LoadedModel):
    """A loaded version that answers several requests at once."""

    def __init__(self, version: int, path: Path, scheduler: BatchScheduler) -> None:
        """Loads `path`; see `LoadedModel`.

        Args:
            version: its number.
            path: its directory.
            scheduler: batches the requests, of this version and others.
        """
        super().__init__(version, path)
        self._scheduler = scheduler

    def run(
        self,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        wanted: Collection[str],
        callers: Sequence[Caller],
    ) -> dict[str, np.ndarray]:
        """Runs with others where that makes no difference; see `LoadedModel.run`."""
        size = _common_rows(inputs.values())
        if size:
            self._scheduler.check_size(size)
        infos = self.signatures[signature_name].outputs
        if not size or not all(_has_rows_of_one_shape(infos[alias]) for alias in wanted):
            return super().run(signature_name, inputs, wanted, callers)
        (caller,) = callers
        task = _Task(inputs, caller, size)
        shapes = frozenset((name, array.shape[1:]) for name, array in inputs.items())
        run = functools.partial(super().run, signature_name, wanted=frozenset(wanted))
        key = self, signature_name, frozenset(wanted), shapes
        self._scheduler.schedule(key, task, size, functools.partial(self._process, run))
        return task.answer.result()

    def _process(self, run: _Run, tasks: Sequence[_Task]) -> None:
        """Answers the tasks, together if that goes well."""
        tasks = [task for task in tasks if _is_wanted(task)]
        if not tasks:
            return
        try:
            self._run_together(run, tasks)
        except Exception as error:  # whatever it is, somebody waits for it
            if len(tasks) == 1:
                tasks[0].answer.set_exception(error)
                return
            for task in tasks:
                self._process(run, [task])

    def _run_together(self, run: _Run, tasks: Sequence[_Task]) -> None:
        size = sum(task.size for task in tasks)
        padding = self._scheduler.options.padded(size) - size
        inputs = {
            name: _concatenate([task.inputs[name] for task in tasks], padding)
            for name in tasks[0].inputs
        }
        outputs = run(inputs, callers=[task.caller for task in tasks])
        if any(len(value) != size + padding for value in outputs.values()):
            raise failed_precondition(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors",
            )
        start = 0
        for task in tasks:
            rows = slice(start, start + task.size)
            task.answer.set_result({alias: value[rows] for alias, value in outputs.items()})
            start += task.size


def _common_rows(arrays: Iterable[np.ndarray]) -> int:
    """How many rows each of the arrays has; 0 if that is not one number."""
    sizes = {len(array) if array.ndim else 0 for array in arrays}
    return sizes.pop() if len(sizes) == 1 else 0


def _has_rows_of_one_shape(info: meta_graph_pb2.TensorInfo) -> bool:
    """Whether there is a row for each of the batch, of a shape that no other row changes."""
    shape = tf.TensorShape(info.tensor_shape)
    return bool(shape.rank) and shape[0] is None and shape[1:].is_fully_defined()


def _is_wanted(task: _Task) -> bool:
    """Whether somebody waits for the answer; else it is the reason why not."""
    error = given_up(task.caller)
    if error:
        task.answer.set_exception(error)
    return error is None


def _concatenate(arrays: Sequence[np.ndarray], padding: int) -> np.ndarray:
    """Rows of all, and as many more of the last request's first."""
    return np.concatenate([*arrays, np.repeat(arrays[-1][:1], padding, axis=0)])
