"""This project's Training, as the Trainer runs it: from files of windows, an epoch at a time."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.contestants import Run
from benchmarks.task import Task
from benchmarks.windows import write_windows
from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.training.halves import divide_processors
from modules.training.loop import Data, Training
from modules.windows.windowing import WindowOptions

_TURNS = 1_000  # at most
_SAME_NAMES = (
    "cell",
    "precision",
    "num_hiddens",
    "embedding_size",
    "optimizer",
    "learning_rate",
    "clip_norm",
)


def prepare(task: Task) -> Run:
    """A turn is an epoch of the Training; see `benchmarks.contestants`."""
    tf.get_logger().setLevel("ERROR")  # it takes each task's graph for the same one again
    divide_processors()  # as `lyrics run` does
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()  # and this, too
    options: dict[str, Any] = {name: getattr(task, name) for name in _SAME_NAMES}
    hyperparameters = Hyperparameters(**options, num_epochs=_TURNS)
    windows = WindowOptions("consecutive", task.batch_size, task.num_steps)
    lane_length = task.steps * task.num_steps + 1
    ids = np.resize(np.load(task.ids), task.batch_size * lane_length)  # again from its start
    directory = Path(tempfile.mkdtemp(dir=Path(task.ids).parent))
    training = Training(
        LanguageModel(task.vocab_size, hyperparameters),
        Data([write_windows(ids, windows, directory)], windows),
        hyperparameters,
        held_out_perplexity=None,
        sample=str,
        work_dir=str(directory / "work"),
    )
    minibatches = iter(training.remaining_epochs())

    def run() -> None:
        training.train_epoch(minibatches)

    return run
