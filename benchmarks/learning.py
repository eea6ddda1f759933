"""Trains on a corpus as the Trainer does, and reads from its logs how that went."""

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import (
    TENSORS,
    EventAccumulator,
    TensorEvent,
)

from benchmarks.windows import write_windows
from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.training.halves import divide_processors
from modules.training.loop import Data, Training
from modules.windows.windowing import Sampling, WindowOptions


@dataclass(frozen=True)
class Curve:
    """How training went, epoch by epoch.

    Attributes:
        perplexities: of the training text, as it was read.
        seconds: from the start of training, the building of its graph included, to each
            epoch's end.
    """

    perplexities: list[float]
    seconds: list[float]

    def first_below(self, perplexity: float) -> int | None:
        """The first epoch, from 1 on, whose perplexity is below; None if there is none."""
        below = (epoch for epoch, p in enumerate(self.perplexities, 1) if p < perplexity)
        return next(below, None)

    def best(self, num_epochs: int) -> float:
        """The lowest perplexity within the first epochs."""
        return min(self.perplexities[:num_epochs])


def learn(
    ids: np.ndarray,
    vocab_size: int,
    hyperparameters: Hyperparameters,
    sampling: Sampling,
    directory: Path,
) -> tuple[LanguageModel, Curve]:
    """Trains a model, with the batch and the steps of the book.

    Args:
        ids: int64[characters], the corpus.
        vocab_size: every id is below it.
        hyperparameters: of the model and its training.
        sampling: of the minibatches.
        directory: where the windows, the checkpoints and the logs go.
    """
    divide_processors()  # as `lyrics run` does
    keras.utils.set_random_seed(hyperparameters.seed)
    tf.config.experimental.enable_op_determinism()  # and this, too
    windows = WindowOptions(sampling)
    data = Data([write_windows(ids, windows, directory)], windows)
    model = LanguageModel(vocab_size, hyperparameters)
    work_dir = directory / "work"
    start = time.time()
    Training(model, data, hyperparameters, None, str, str(work_dir)).run()
    return model, _read_curve(work_dir / "logs", start)


def _read_curve(logs: Path, start: float) -> Curve:
    accumulator = EventAccumulator(str(logs), {TENSORS: 0})  # 0 keeps all of them
    accumulator.Reload()
    events: list[TensorEvent] = accumulator.Tensors("perplexity/training")
    return Curve(
        [float(tf.make_ndarray(event.tensor_proto)) for event in events],
        [event.wall_time - start for event in events],
    )
