"""The search for hyperparameters: where it looks, and how it judges what it tries.

Not public in KerasTuner 1.4: `keras_tuner.engine`, since `keras_tuner.Tuner` itself builds and
compiles Keras models, which these are not.

Source: Bergstra and Bengio (2012), "Random search for hyper-parameter optimization".
"""

import contextlib
import dataclasses
import logging
import math
import os
import sys
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from keras_tuner import HyperParameters, Objective
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.errors import FatalError
from keras_tuner.oracles import RandomSearchOracle

from modules.errors import TrainingError
from modules.evaluation.figures import PERPLEXITY
from modules.hyperparameters import Hyperparameters
from modules.training.experiment import Experiment

_logger = logging.getLogger(__name__)

_DROPOUTS = (0.0, 0.15, 0.3, 0.45, 0.6)


def search_space(hyperparameters: Hyperparameters) -> HyperParameters:
    """Where to look: around what is configured, which are the defaults."""
    given = hyperparameters
    space = HyperParameters()
    low, high = given.learning_rate / 4, given.learning_rate * 4
    space.Float("learning_rate", low, high, sampling="log", default=given.learning_rate)
    space.Choice("num_hiddens", _around(given.num_hiddens), default=given.num_hiddens)
    if given.embedding_size and not given.tie_weights:  # else it is one-hot, or num_hiddens
        space.Choice("embedding_size", _around(given.embedding_size), default=given.embedding_size)
    space.Choice("dropout", sorted({given.dropout, *_DROPOUTS}), default=given.dropout)
    return space


def _around(size: int) -> list[int]:
    return sorted({max(1, size // 2), size, 2 * size})


def with_values(hyperparameters: Hyperparameters, values: Mapping[str, Any]) -> Hyperparameters:
    """`hyperparameters` with values from their search space in place of their own."""
    if hyperparameters.tie_weights:
        values = {**values, "embedding_size": None}  # as long as there are hidden units
    return dataclasses.replace(hyperparameters, **values)


def values_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values in a KerasTuner `HyperParameters` config, which is what TFX's Tuner writes."""
    return HyperParameters.from_config(config).values


def _listed(values: Mapping[str, float]) -> str:
    """Values as one writes them in a sentence."""
    return ", ".join(f"{name} {value:g}" for name, value in values.items())


class _Oracle(RandomSearchOracle):
    """Says what to try: first what is configured, so that the best is no worse, then any."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.trials:
            return super().populate_space(trial_id)
        return {"status": TrialStatus.RUNNING, "values": self.get_space().values}


class Search(BaseTuner):
    """Trains a model in each trial, and compares their perplexities.

    They are those by which `Experiment` judges an epoch. A trial without a finite one is the
    worst there can be. Everything that a search needs to go on where it was killed is in the
    experiment's `work_dir`, with a directory for each trial, and is removed at its end.

    Args:
        experiment: what to train with.
        hyperparameters: what to start from; their seed is the search's too.
        num_trials: models to train, at most.
    """

    def __init__(
        self, experiment: Experiment, hyperparameters: Hyperparameters, num_trials: int
    ) -> None:
        self._experiment = experiment
        self._hyperparameters = hyperparameters
        oracle = _Oracle(
            objective=Objective(PERPLEXITY, "min"),
            max_trials=num_trials,
            hyperparameters=search_space(hyperparameters),
            seed=hyperparameters.seed + 1,  # KerasTuner takes 0 for none
        )
        oracle.verbose = 0
        directory, name = os.path.split(experiment.work_dir)
        with contextlib.redirect_stdout(sys.stderr):  # standard output is the run's summary
            super().__init__(oracle, directory=directory, project_name=name)
        if oracle.end_order:
            _logger.info("resuming after trial %d", len(oracle.end_order))

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs the trials that are left.

        Raises:
            TrainingError: if no trial had a finite perplexity.
        """
        try:
            super().search(*fit_args, **fit_kwargs)
        except FatalError as error:
            raise error.__cause__ or error from None
        tf.io.gfile.rmtree(self._experiment.work_dir)
        (best,) = self.oracle.get_best_trials()
        if not math.isfinite(best.score):
            raise TrainingError(
                f"no trial of {len(self.oracle.trials)} had a finite perplexity with "
                "{learning_rate} or near it: lower it",
                vars(self._hyperparameters),
            )

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> dict[str, float]:
        """Trains a model with the trial's values; returns its best epoch's perplexity."""
        values = trial.hyperparameters.values
        name = f"trial {int(trial.trial_id) + 1}/{self.oracle.max_trials}"
        _logger.info("%s: %s", name, _listed(values))
        work_dir = os.path.join(self.get_trial_dir(trial.trial_id), "training")
        try:
            perplexity = self._train(with_values(self._hyperparameters, values), work_dir)
        except Exception as error:  # KerasTuner goes on after any but its own
            raise FatalError(f"{name} failed") from error
        tf.io.gfile.rmtree(work_dir)
        _logger.info("%s: perplexity %.1f", name, perplexity)
        return {PERPLEXITY: perplexity}

    def _train(self, hyperparameters: Hyperparameters, work_dir: str) -> float:
        _, training = self._experiment.prepare(hyperparameters, work_dir)
        try:
            return training.run()
        except TrainingError as error:
            _logger.info("%s", error)
            return math.inf

    def search_space_summary(self, extended: bool = False) -> None:
        """Prints nothing: standard output is the run's summary."""

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints nothing: standard output is the run's summary."""
