"""Trains a language model, epoch by epoch, so that a killed run goes on where it was.

Source: Dive into Deep Learning, sections 6.4.5 (clipping) and 6.4.7 (training).
"""

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import tensorflow as tf

from modules import features
from modules.errors import StorageError, TrainingError
from modules.evaluation.perplexity import perplexity_of
from modules.hyperparameters import Hyperparameters
from modules.network.model import Loss, Model
from modules.network.stack import States
from modules.training.halves import halves_of
from modules.training.optimizers import make_optimizer
from modules.windows import dataset
from modules.windows.windowing import WindowOptions

_logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_REPORTS = 10.0
_MINIBATCHES_A_CALL = 64  # the graph trains on so many before Python hears of it


class Data(NamedTuple):
    """Where the training windows are and how they were cut."""

    patterns: list[str]
    options: WindowOptions


class Progress:
    """How an epoch is going.

    Attributes:
        characters: how many were predicted so far.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._nats = 0.0
        self.characters = 0

    def add(self, mean_nats: float, characters: int) -> None:
        """Adds minibatches: nats per character, and how many were predicted."""
        self._nats += mean_nats * characters
        self.characters += characters

    @property
    def perplexity(self) -> float:
        """Of the characters predicted so far."""
        return perplexity_of(self._nats / self.characters)

    @property
    def speed(self) -> float:
        """Characters per second."""
        return self.characters / (time.monotonic() - self._start)

    def __str__(self) -> str:
        return (
            f"{self.characters} characters: perplexity {shown(self.perplexity)}; "
            f"{self.speed:.0f} characters/s"
        )


def shown(perplexity: float) -> str:
    """With one decimal; in a few digits where training explodes."""
    return f"{perplexity:.1f}" if perplexity < 1e6 else f"{perplexity:.3g}"


class Training:
    """One training run: at most `num_epochs` passes, keeping the best weights.

    Everything it needs to go on is in `work_dir`, written at the end of each epoch. An
    epoch's minibatches depend on the seed and the epoch's number only, so a resumed run
    ends with the weights of an uninterrupted one.

    Args:
        model: what to train; holds the best weights after `run`.
        data: the training windows.
        hyperparameters: how to train.
        held_out_perplexity: measures the model on text that it is not trained on; without it
            the epoch's training perplexity decides which weights are best and nothing stops
            early.
        sample: writes a text that begins with the prefix it is given.
        work_dir: of the checkpoints and, under `logs`, TensorBoard's event files.
        held_out_name: what to call that text in what is reported.
    """

    def __init__(
        self,
        model: Model,
        data: Data,
        hyperparameters: Hyperparameters,
        held_out_perplexity: Callable[[], float] | None,
        sample: Callable[[str], str],
        work_dir: str,
        held_out_name: str = features.SPLITS[features.EVAL],
    ) -> None:
        self._model = model
        self._data = data
        self._hyperparameters = hyperparameters
        self._held_out_perplexity = held_out_perplexity
        self._held_out_name = held_out_name
        self._sample = sample
        self._epoch = tf.Variable(0, dtype=tf.int64)
        self._optimizer = make_optimizer(hyperparameters, self._count_minibatches())
        self._optimizer.build(model.weights)
        self._best_perplexity = tf.Variable(math.inf, dtype=tf.float64)
        self._best_epoch = tf.Variable(0, dtype=tf.int64)
        progress = tf.train.Checkpoint(
            model=model,
            optimizer=self._optimizer,
            epoch=self._epoch,
            best_perplexity=self._best_perplexity,
            best_epoch=self._best_epoch,
        )
        with _readable(work_dir):
            self._checkpoints = tf.train.CheckpointManager(progress, work_dir, max_to_keep=1)
        self._best_weights = tf.train.Checkpoint(model=model)
        self._best_path = os.path.join(work_dir, "best")
        self._summaries = tf.summary.create_file_writer(os.path.join(work_dir, "logs"))
        self._train = tf.function(self._train_on_minibatches)

    def run(self) -> float:
        """Trains until the epochs or the patience run out, then restores the best weights.

        Returns:
            the perplexity for which they are the best.

        Raises:
            TrainingError: if no epoch had a finite perplexity.
            StorageError: if what it is to go on from is damaged.
        """
        with _readable(self._checkpoints.directory):
            resumed = self._checkpoints.restore_or_initialize()
        if resumed:
            _logger.info("resuming after epoch %d", self._epoch)
        minibatches = iter(self.remaining_epochs())
        while not self._finished():
            self._run_epoch(minibatches)
            self._checkpoints.save()
        self._summaries.close()
        if self._best_epoch == 0:
            raise TrainingError(
                f"no epoch of {int(self._epoch)} had a finite perplexity with {{learning_rate}}, "
                "{clip_norm} and {optimizer}: lower the first, or the second; what was done before "
                "the training is kept",
                vars(self._hyperparameters),
            )
        with _readable(self._checkpoints.directory):
            self._best_weights.read(self._best_path).assert_consumed()
        _logger.info(
            "best weights: epoch %d, perplexity %.1f", self._best_epoch, self._best_perplexity
        )
        return float(self._best_perplexity)

    def _finished(self) -> bool:
        epoch, patience = int(self._epoch), self._hyperparameters.patience
        stale = self._held_out_perplexity and patience and epoch - self._best_epoch >= patience
        return epoch >= self._hyperparameters.num_epochs or bool(stale)

    def remaining_epochs(self) -> tf.data.Dataset:
        """Minibatches of the epochs that are still to do; see `dataset.training_epochs`."""
        epochs = range(int(self._epoch), self._hyperparameters.num_epochs)
        patterns, options = self._data.patterns, self._data.options
        return dataset.training_epochs(patterns, options, self._hyperparameters.seed, epochs)

    def _run_epoch(self, minibatches: tf.data.Iterator) -> None:
        progress = self.train_epoch(minibatches)
        perplexities = {"training": progress.perplexity}
        decisive = "training"
        if self._held_out_perplexity:
            decisive = self._held_out_name
            perplexities[decisive] = self._held_out_perplexity()
        self._epoch.assign_add(1)
        if perplexities[decisive] < self._best_perplexity:
            self._best_perplexity.assign(perplexities[decisive])
            self._best_epoch.assign(self._epoch)
            self._best_weights.write(self._best_path)
        self._report(perplexities, progress.speed)

    def train_epoch(self, minibatches: tf.data.Iterator) -> Progress:
        """Trains on the next epoch's minibatches; measures, reports and keeps nothing."""
        options, epoch = self._data.options, int(self._epoch)
        self._model.reseed(self._hyperparameters.seed, epoch)
        progress, reported, over = Progress(), time.monotonic(), False
        states = self._model.initial_state(options.batch_size)
        while not over:
            nats, count, over, states = self._train(minibatches, states)
            progress.add(float(nats), int(count) * options.batch_size * options.num_steps)
            if not over and time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                _logger.info("epoch %d: after %s", epoch + 1, str(progress))
        if not progress.characters:
            raise TrainingError(
                f"no training window is at {', '.join(self._data.patterns)}: remove the folder "
                "that they were in, and run again"
            )
        return progress

    def _count_minibatches(self) -> int:
        """Of all epochs, if the learning rate's schedule has to know."""
        if self._hyperparameters.schedule == "constant":
            return 0
        epoch = dataset.training_batches(
            self._data.patterns, self._data.options, self._hyperparameters.seed, epoch=0
        )
        in_an_epoch = epoch.reduce(0, lambda count, _: count + 1)
        return int(in_an_epoch) * self._hyperparameters.num_epochs

    def _train_on_minibatches(
        self, minibatches: tf.data.Iterator, states: States
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, States]:
        """Trains on the next minibatches, up to the epoch's end.

        Returns:
            nats per character, how many minibatches there were, whether the epoch is over, and
            the states after them.
        """
        nats, count, over = tf.constant(0.0), tf.constant(0), tf.constant(False)
        while not over and count < _MINIBATCHES_A_CALL:
            inputs, targets, over = next(minibatches)
            if not over:
                step_nats, states = self._step(inputs, targets, states)
                nats += step_nats
                count += 1
        return tf.math.divide_no_nan(nats, tf.cast(count, tf.float32)), count, over, states

    @tf.autograph.experimental.do_not_convert  # there is nothing in it, and looking takes seconds
    def _step(
        self, inputs: tf.Tensor, targets: tf.Tensor, states: States
    ) -> tuple[tf.Tensor, States]:
        halves = [
            tf.nest.map_structure(lambda tensor, rows=rows: tensor[rows], (inputs, targets, states))
            for rows in halves_of(self._data.options.batch_size)
        ]
        outcomes, gradients = zip(*(self._gradients(*half) for half in halves), strict=True)
        summed = [tf.add_n(of_weight) for of_weight in zip(*gradients, strict=True)]
        clipped, _ = tf.clip_by_global_norm(summed, self._hyperparameters.clip_norm)
        self._optimizer.apply(clipped, self._model.weights)
        # Only consecutive minibatches continue one another. The states are a plain input of the
        # step, so gradients stop at the minibatch's edge.
        if self._data.options.sampling == "consecutive":
            states = tf.nest.map_structure(
                lambda old, *new: tf.ensure_shape(tf.concat(new, axis=0), old.shape),
                states,
                *(outcome.states for outcome in outcomes),
            )
        return tf.add_n([outcome.nats for outcome in outcomes]), states

    def _gradients(
        self, inputs: tf.Tensor, targets: tf.Tensor, states: States
    ) -> tuple[Loss, list[tf.Tensor]]:
        """What a half adds to the means over the minibatch, and to their gradients."""
        share = inputs.shape[0] / self._data.options.batch_size
        with tf.GradientTape() as tape:
            outcome = self._model.loss(inputs, targets, states)
            loss = outcome.loss * share
        gradients = tape.gradient(loss, [weight.value for weight in self._model.weights])
        # The embedding's comes as rows, one for each character read. Only their sums, a row for
        # each entry of the vocabulary, have the norm that is to be clipped.
        dense = list(map(tf.convert_to_tensor, gradients))
        return Loss(loss, outcome.nats * share, outcome.states), dense

    def _report(self, perplexities: dict[str, float], speed: float) -> None:
        epoch, hyperparameters = int(self._epoch), self._hyperparameters
        figures = ", ".join(f"{name} {shown(value)}" for name, value in perplexities.items())
        _logger.info(
            "epoch %d/%d: perplexity %s; %.0f characters/s",
            epoch,
            hyperparameters.num_epochs,
            figures,
            speed,
        )
        samples = []
        if hyperparameters.sample_every and epoch % hyperparameters.sample_every == 0:
            samples = [self._sample(prefix) for prefix in hyperparameters.prefixes]
        for text in samples:
            _logger.info("  %s", text.replace("\n", " "))
        with self._summaries.as_default(step=epoch):
            for name, value in perplexities.items():
                # float32 is what it keeps, where the largest are infinite.
                tf.summary.scalar(f"perplexity/{name}", tf.constant(value, tf.float64))
            tf.summary.scalar("characters_per_second", speed)
            if samples:
                tf.summary.text("samples", samples)
        self._summaries.flush()


@contextmanager
def _readable(directory: str) -> Iterator[None]:
    """Turns what TensorFlow raises where a checkpoint is damaged into a StorageError."""
    try:
        yield
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise StorageError(
            f"the training that was cut off in {directory} cannot be read ({reason}): remove that "
            "folder and run again, which begins the training anew"
        ) from error
