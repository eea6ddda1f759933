import pytest

from modules.errors import ConfigError
from modules.hyperparameters import Hyperparameters
from modules.tuner_options import TunerOptions

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("values", [{"num_trials": -1}, {"tune_epochs": 0}])
def test_values_out_of_range_are_refused(values):
    (name,) = values
    with pytest.raises(ConfigError, match=f"{name}=.* is out of range"):
        TunerOptions(**values)


def test_trials_do_not_depend_on_how_the_model_is_trained_after_them():
    options = TunerOptions(num_trials=2, tune_epochs=4)
    trial = options.trial(Hyperparameters(num_epochs=30, sample_every=1, prefixes=("春",)))
    assert (trial.num_epochs, trial.sample_every) == (4, 0)
    assert trial == options.trial(Hyperparameters())
    assert trial != options.trial(Hyperparameters(dropout=0.1))
