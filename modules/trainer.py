"""Trainer's entry point: builds the model, trains it, exports it."""

import logging
import os

import numpy as np
import tensorflow as tf
from tfx.utils import io_utils
from tfx.v1.components import FnArgs

from modules import features
from modules.evaluation.figures import PARTS
from modules.hyperparameters import HYPERPARAMETERS, MIXTURE, Hyperparameters
from modules.ngrams.mixture import fit_weights
from modules.signatures.language import ServableModel
from modules.signatures.tasks import make_servable
from modules.training.experiment import Experiment
from modules.training.search import values_of, with_values

_logger = logging.getLogger(__name__)


def run_fn(fn_args: FnArgs) -> None:
    """Trains on the `train` windows and writes the SavedModel.

    `fn_args` is as `Experiment` takes it. Its `custom_config` holds the fields of
    `Hyperparameters` under `hyperparameters` as well, and under `mixture` whether to fit the
    weights of the mixture, on `validation`, at the end. The values that a Tuner found, in
    `fn_args.hyperparameters`, replace those configured.
    """
    config = fn_args.custom_config
    experiment = Experiment(fn_args, make_servable)
    hyperparameters = Hyperparameters(**config[HYPERPARAMETERS])
    if fn_args.hyperparameters:
        hyperparameters = with_values(hyperparameters, values_of(fn_args.hyperparameters))
    servable, training = experiment.prepare(hyperparameters, experiment.work_dir)
    training.run()
    if config[MIXTURE] and isinstance(servable, ServableModel):
        fit_mixture(servable, experiment.scored[features.VALIDATION])
    servable.save(fn_args.serving_model_dir)
    io_utils.copy_dir(os.path.join(experiment.work_dir, "logs"), fn_args.model_run_dir)
    tf.io.gfile.rmtree(experiment.work_dir)


def fit_mixture(servable: ServableModel, batches: tf.data.Dataset) -> None:
    """Gives the mixture the weights under which the windows in `batches` are likeliest."""
    log_probabilities = tf.function(servable.log_probabilities)
    parts = np.concatenate([log_probabilities(batch).numpy() for batch in batches])
    # Of a cache that is switched off nothing is known.
    parts = np.where(np.isnan(parts).all(axis=0), -np.inf, parts)  # [characters, 3]
    weights = fit_weights(parts)
    servable.mixture_weights.assign(weights)
    named = zip(PARTS, weights, strict=True)
    _logger.info("mixture: %s", ", ".join(f"{name} {weight:.2f}" for name, weight in named))
