"""Options of the search for hyperparameters, checked on construction."""

import dataclasses
from dataclasses import dataclass

from modules.hyperparameters import Hyperparameters, check_range


@dataclass(frozen=True)
class TunerOptions:
    """How hyperparameters are searched for before the model is trained.

    Attributes:
        num_trials: sets of hyperparameters to try, the configured one first; 0 tries none.
        tune_epochs: passes over the training windows in a trial, at most.
    """

    num_trials: int = 0
    tune_epochs: int = 3

    def __post_init__(self) -> None:
        check_range("num_trials", self.num_trials, 0)
        check_range("tune_epochs", self.tune_epochs, 1)

    def trial(self, hyperparameters: Hyperparameters) -> Hyperparameters:
        """What a trial starts from: what is of no account in one does not make it another."""
        return dataclasses.replace(
            hyperparameters, num_epochs=self.tune_epochs, sample_every=0, prefixes=()
        )
