"""Tuner's entry point: searches for the hyperparameters that the Trainer is to take."""

from tfx.v1.components import FnArgs, TunerFnResult

from modules.hyperparameters import HYPERPARAMETERS, NUM_TRIALS, Hyperparameters
from modules.signatures.tasks import make_servable
from modules.training.experiment import Experiment
from modules.training.search import Search


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Makes the search that TFX is to run.

    `fn_args` is as `Experiment` takes it. Its `custom_config` holds the fields of
    `Hyperparameters`, from which the search starts, under `hyperparameters` as well, and under
    `num_trials` how many to try.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters(**config[HYPERPARAMETERS])
    experiment = Experiment(fn_args, make_servable)
    search = Search(experiment, hyperparameters, config[NUM_TRIALS])
    return TunerFnResult(tuner=search, fit_kwargs={})
