"""The minibatches of a task, for the contestants that read no windows; needs NumPy only."""

import numpy as np

from benchmarks.task import Task


def minibatches(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Consecutive minibatches, from the corpus's start again where it ends.

    Returns:
        inputs and targets, both int32[steps, batch_size, num_steps].

    Source: Dive into Deep Learning, section 6.3, `data_iter_consecutive`.
    """
    ids = np.load(task.ids).astype(np.int32)
    lanes = ids[: ids.size // task.batch_size * task.batch_size].reshape(task.batch_size, -1)
    in_corpus = (lanes.shape[1] - 1) // task.num_steps
    starts = [step % in_corpus * task.num_steps for step in range(task.steps)]
    inputs = np.stack([lanes[:, start : start + task.num_steps] for start in starts])
    targets = np.stack([lanes[:, start + 1 : start + task.num_steps + 1] for start in starts])
    return inputs, targets
