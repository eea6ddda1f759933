"""Trains a language model, epoch by epoch, so that a killed run goes on where it was.

Source: Dive into Deep Learning, sections 6.4.5 (clipping) and 6.4.7 (training).
"""

import logging
import math
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from modules import dataset, features
from modules.errors import TrainingError
from modules.hyperparameters import Hyperparameters
from modules.model import LanguageModel, State
from modules.perplexity import perplexity_of
from modules.scoring import negative_log_likelihood
from modules.windowing import WindowOptions

_logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_REPORTS = 10.0


class Data(NamedTuple):
    """Where the training windows are and how they were cut."""

    patterns: list[str]
    options: WindowOptions


class _Progress:
    """How an epoch is going."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._nats = 0.0
        self._characters = 0

    def add(self, mean_nats: float, characters: int) -> None:
        """Adds a minibatch: nats per character, and how many were predicted."""
        self._nats += mean_nats * characters
        self._characters += characters

    @property
    def perplexity(self) -> float:
        """Of the characters predicted so far."""
        return perplexity_of(self._nats / self._characters)

    @property
    def speed(self) -> float:
        """Characters per second."""
        return self._characters / (time.monotonic() - self._start)

    def __str__(self) -> str:
        return (
            f"{self._characters} characters: perplexity {self.perplexity:.1f}; "
            f"{self.speed:.0f} characters/s"
        )


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
        model: LanguageModel,
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
        self._optimizer = keras.optimizers.Adam(
            hyperparameters.learning_rate, global_clipnorm=hyperparameters.clip_norm
        )
        self._optimizer.build(model.weights)
        self._epoch = tf.Variable(0, dtype=tf.int64)
        self._best_perplexity = tf.Variable(math.inf, dtype=tf.float64)
        self._best_epoch = tf.Variable(0, dtype=tf.int64)
        progress = tf.train.Checkpoint(
            model=model,
            optimizer=self._optimizer,
            epoch=self._epoch,
            best_perplexity=self._best_perplexity,
            best_epoch=self._best_epoch,
        )
        self._checkpoints = tf.train.CheckpointManager(progress, work_dir, max_to_keep=1)
        self._best_weights = tf.train.Checkpoint(model=model)
        self._best_path = os.path.join(work_dir, "best")
        self._summaries = tf.summary.create_file_writer(os.path.join(work_dir, "logs"))
        self._train_step = tf.function(self._step)

    def run(self) -> None:
        """Trains until the epochs or the patience run out, then restores the best weights.

        Raises:
            TrainingError: if no epoch had a finite perplexity.
        """
        if self._checkpoints.restore_or_initialize():
            _logger.info("resuming after epoch %d", self._epoch)
        while not self._finished():
            self._run_epoch()
            self._checkpoints.save()
        self._summaries.close()
        if self._best_epoch == 0:
            raise TrainingError(
                f"no epoch of {int(self._epoch)} had a finite perplexity with "
                f"learning_rate={self._hyperparameters.learning_rate:g}: lower it"
            )
        self._best_weights.read(self._best_path).assert_consumed()
        _logger.info(
            "best weights: epoch %d, perplexity %.1f", self._best_epoch, self._best_perplexity
        )

    def _finished(self) -> bool:
        epoch, patience = int(self._epoch), self._hyperparameters.patience
        stale = self._held_out_perplexity and patience and epoch - self._best_epoch >= patience
        return epoch >= self._hyperparameters.num_epochs or bool(stale)

    def _run_epoch(self) -> None:
        progress = self._train_epoch()
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

    def _train_epoch(self) -> "_Progress":
        options, seed, epoch = self._data.options, self._hyperparameters.seed, int(self._epoch)
        self._model.reseed(seed, epoch)
        progress, reported = _Progress(), time.monotonic()
        zeros = state = self._model.initial_state(options.batch_size)
        for inputs, targets in dataset.training_batches(self._data.patterns, options, seed, epoch):
            # Only consecutive minibatches continue one another. The state is a plain input
            # of the step, so gradients stop at the minibatch's edge.
            state = state if options.sampling == "consecutive" else zeros
            loss, state = self._train_step(inputs, targets, state)
            progress.add(float(loss), options.batch_size * options.num_steps)
            if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                _logger.info("epoch %d: after %s", epoch + 1, str(progress))
        return progress

    def _step(self, inputs: tf.Tensor, targets: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        weights = self._model.weights
        with tf.GradientTape() as tape:
            logits, state = self._model(inputs, state, training=True)
            loss = tf.reduce_mean(negative_log_likelihood(logits, targets))
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        # The embedding's comes as rows, one for each character read. Only their sums, a row for
        # each entry of the vocabulary, have the norm that is to be clipped.
        self._optimizer.apply(list(map(tf.convert_to_tensor, gradients)), weights)
        return loss, state

    def _report(self, perplexities: dict[str, float], speed: float) -> None:
        epoch, hyperparameters = int(self._epoch), self._hyperparameters
        figures = ", ".join(f"{name} {value:.1f}" for name, value in perplexities.items())
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
                tf.summary.scalar(f"perplexity/{name}", value)
            tf.summary.scalar("characters_per_second", speed)
            if samples:
                tf.summary.text("samples", samples)
        self._summaries.flush()
