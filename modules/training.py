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

from modules import dataset
from modules.hyperparameters import Hyperparameters
from modules.model import LanguageModel, State
from modules.scoring import negative_log_likelihood
from modules.windowing import WindowOptions

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_REPORTS = 10.0


class Data(NamedTuple):
    """Where the training windows are and how they were cut."""

    patterns: list[str]
    options: WindowOptions


class Training:
    """One training run: at most `num_epochs` passes, keeping the best weights.

    Everything it needs to go on is in `work_dir`, written at the end of each epoch. An
    epoch's minibatches depend on the seed and the epoch's number only, so a resumed run
    ends with the weights of an uninterrupted one.

    Args:
        model: what to train; holds the best weights after `run`.
        data: the training windows.
        hyperparameters: how to train.
        held_out_perplexity: measures the model; without it the epoch's training perplexity
            decides which weights are best and nothing stops early.
        sample: writes a text that begins with the prefix it is given.
        work_dir: of the checkpoints and, under `logs`, TensorBoard's event files.
    """

    def __init__(
        self,
        model: LanguageModel,
        data: Data,
        hyperparameters: Hyperparameters,
        held_out_perplexity: Callable[[], float] | None,
        sample: Callable[[str], str],
        work_dir: str,
    ) -> None:
        self._model = model
        self._data = data
        self._hyperparameters = hyperparameters
        self._held_out_perplexity = held_out_perplexity
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
        """Trains until the epochs or the patience run out, then restores the best weights."""
        if self._checkpoints.restore_or_initialize():
            logger.info("resuming after epoch %d", self._epoch)
        while not self._finished():
            self._run_epoch()
            self._checkpoints.save()
        self._best_weights.read(self._best_path).assert_consumed()
        self._summaries.close()
        logger.info(
            "best weights: epoch %d, perplexity %.1f", self._best_epoch, self._best_perplexity
        )

    def _finished(self) -> bool:
        epoch, patience = int(self._epoch), self._hyperparameters.patience
        stale = self._held_out_perplexity and patience and epoch - self._best_epoch >= patience
        return epoch >= self._hyperparameters.num_epochs or bool(stale)

    def _run_epoch(self) -> None:
        start = time.monotonic()
        nats, characters = self._train_epoch()
        speed = characters / (time.monotonic() - start)
        perplexities = {"training": math.exp(min(nats / characters, 700))}
        if self._held_out_perplexity:
            perplexities["held-out"] = self._held_out_perplexity()
        monitored = list(perplexities.values())[-1]
        self._epoch.assign_add(1)
        if monitored < self._best_perplexity:
            self._best_perplexity.assign(monitored)
            self._best_epoch.assign(self._epoch)
            self._best_weights.write(self._best_path)
        self._report(perplexities, speed)

    def _train_epoch(self) -> tuple[float, int]:
        """One pass; returns the summed nats and the number of characters predicted."""
        options, seed = self._data.options, self._hyperparameters.seed
        self._model.reseed(seed, int(self._epoch))
        batches = dataset.training_batches(self._data.patterns, options, seed, int(self._epoch))
        zeros = state = self._model.initial_state(options.batch_size)
        total, num_batches, reported = tf.constant(0.0, tf.float64), 0, time.monotonic()
        for inputs, targets in batches:
            # Only consecutive minibatches continue one another. The state is a plain input
            # of the step, so gradients stop at the minibatch's edge.
            state = state if options.sampling == "consecutive" else zeros
            loss, state = self._train_step(inputs, targets, state)
            total += tf.cast(loss, tf.float64)
            num_batches += 1
            if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                perplexity = math.exp(min(total / num_batches, 700))
                logger.info(
                    "epoch %d: minibatch %d, perplexity %.1f",
                    self._epoch + 1,
                    num_batches,
                    perplexity,
                )
        characters = options.batch_size * options.num_steps
        return float(total) * characters, num_batches * characters

    def _step(self, inputs: tf.Tensor, targets: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        weights = self._model.weights
        with tf.GradientTape() as tape:
            logits, state = self._model(inputs, state, training=True)
            loss = tf.reduce_mean(negative_log_likelihood(logits, targets))
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        self._optimizer.apply(gradients, weights)
        return loss, state

    def _report(self, perplexities: dict[str, float], speed: float) -> None:
        epoch, hyperparameters = int(self._epoch), self._hyperparameters
        figures = ", ".join(f"{name} {value:.1f}" for name, value in perplexities.items())
        logger.info(
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
            logger.info("  %s", text.replace("\n", " "))
        with self._summaries.as_default(step=epoch):
            for name, value in perplexities.items():
                tf.summary.scalar(f"perplexity/{name}", value)
            tf.summary.scalar("characters_per_second", speed)
            if samples:
                tf.summary.text("samples", samples)
        self._summaries.flush()
