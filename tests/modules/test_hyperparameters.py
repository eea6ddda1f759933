import dataclasses
import json
import math
import re

import pytest

from modules.checks import check_choice, check_range
from modules.errors import ConfigError
from modules.hyperparameters import Hyperparameters, TunerOptions
from modules.vocabulary.characters import VocabularyOptions

pytestmark = pytest.mark.fast


def test_a_choice_that_is_not_known_is_named_with_the_known_ones():
    with pytest.raises(
        ConfigError, match=r"^cell='gur' is not known: choose one of rnn, gru, lstm$"
    ):
        check_choice("cell", "gur", ("rnn", "gru", "lstm"))


@pytest.mark.parametrize("value", [1, 1.5, 2])
def test_bounds_belong_to_their_range(value):
    check_range("x", value, 1, 2)


@pytest.mark.parametrize("value", [0.99, 2.01, math.nan, math.inf, -math.inf])
def test_what_is_out_of_range_is_named_with_the_range(value):
    with pytest.raises(ConfigError, match=f"^x={value} is out of range: give a value from 1 to 2$"):
        check_range("x", value, 1, 2)


def test_a_range_without_an_upper_bound_says_so():
    with pytest.raises(ConfigError, match=r"^x=0 is out of range: give a value at least 1$"):
        check_range("x", 0, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"vocabulary_splits": "eval"},
        {"newline": "drop"},
        {"min_count": 0},
        {"max_vocab_size": 1},  # only <unk>
        {"max_vocab_size": -1},
    ],
)
def test_vocabulary_options_out_of_range(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        VocabularyOptions(**options)


@pytest.mark.parametrize("max_vocab_size", [0, 2, 5_000])
def test_vocabulary_sizes_in_range(max_vocab_size):
    assert VocabularyOptions(max_vocab_size=max_vocab_size).max_vocab_size == max_vocab_size


@pytest.mark.parametrize(
    "option",
    [
        {"task": "translate"},
        {"cell": "transformer"},
        {"optimizer": "rmsprop"},
        {"schedule": "linear"},
        {"precision": "float16"},
        {"num_hiddens": 0},
        {"num_layers": 0},
        {"embedding_size": -1},
        {"num_epochs": 0},
        {"patience": -1},
        {"sample_every": -1},
        {"seed": -1},
        {"seed": 2**32},  # more than NumPy's generator takes
        {"dropout": -0.1},
        {"dropout": 1.0},
        {"dropout": math.nan},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"warmup_steps": -1},
        {"weight_decay": -0.1},
        {"weight_decay": 1.1},
        {"label_smoothing": -0.1},
        {"label_smoothing": 1.0},
        {"label_smoothing": math.nan},
        {"clip_norm": 0.0},
        {"clip_norm": math.nan},
        {"prefixes": ("分开", "")},
    ],
)
def test_hyperparameters_out_of_range(option):
    with pytest.raises(ConfigError, match=next(iter(option))):
        Hyperparameters(**option)


@pytest.mark.parametrize(
    "option",
    [{"patience": 0}, {"sample_every": 0}, {"dropout": 0.95}, {"prefixes": ()}, {"num_layers": 3}],
)
def test_hyperparameters_at_the_edge_of_their_range(option):
    (name, value), *_ = option.items()
    assert getattr(Hyperparameters(**option), name) == value


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"tie_weights": True, "num_hiddens": 8, "embedding_size": 4},
            "tie_weights needs an embedding_size of num_hiddens=8, got 4: give neither or both "
            "alike",
        ),
        (
            {"tie_weights": True, "task": "fill"},
            "tie_weights needs task='language', got 'fill': change one of the two",
        ),
        (
            {"from_scratch": True, "embedding_size": 4},
            "from_scratch needs embedding_size=0, got 4: change one of the two",
        ),
        (
            {"from_scratch": True, "embedding_size": 0, "precision": "bfloat16"},
            "from_scratch needs precision='float32', got 'bfloat16': change one of the two",
        ),
        (
            {"weight_decay": 0.1},
            "weight_decay needs optimizer='adamw', got 'adam': change one of the two",
        ),
        (
            {"xla": True, "task": "fill"},
            "xla needs task='language', got 'fill': change one of the two",
        ),
        (
            {"reset_after": False, "cell": "lstm"},
            "reset_after=False needs cell='gru', got 'lstm': change one of the two",
        ),
    ],
)
def test_options_that_do_not_go_together(options, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        Hyperparameters(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"task": "fill"},
        {"cell": "rnn"},
        {"cell": "lstm"},
        {"reset_after": False},
        {"from_scratch": True, "embedding_size": 0},
        {"from_scratch": True, "embedding_size": 0, "reset_after": False},
        {"tie_weights": True, "num_hiddens": 8, "embedding_size": 8},
        {"variational_dropout": True, "dropout": 0.5},
        {"optimizer": "sgd"},
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"schedule": "cosine", "warmup_steps": 10},
        {"label_smoothing": 0.1},
        {"precision": "bfloat16"},
    ],
)
def test_choices(options):
    hyperparameters = Hyperparameters(**options)
    assert {name: getattr(hyperparameters, name) for name in options} == options


@pytest.mark.parametrize(
    "options", [Hyperparameters(cell="lstm", prefixes=("a", "b")), VocabularyOptions(min_count=2)]
)
def test_options_cross_to_the_workers_as_json(options):
    rebuilt = type(options)(**json.loads(json.dumps(dataclasses.asdict(options))))
    assert rebuilt == options
    assert hash(rebuilt) == hash(options)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="num_hidden"):
        Hyperparameters(num_hidden=8)


@pytest.mark.parametrize("values", [{"num_trials": -1}, {"tune_epochs": 0}])
def test_a_search_of_nothing_is_refused(values):
    (name,) = values
    with pytest.raises(ConfigError, match=f"{name}=.* is out of range"):
        TunerOptions(**values)


def test_trials_do_not_depend_on_how_the_model_is_trained_after_them():
    options = TunerOptions(num_trials=2, tune_epochs=4)
    trial = options.trial(Hyperparameters(num_epochs=30, sample_every=1, prefixes=("春",)))
    assert (trial.num_epochs, trial.sample_every) == (4, 0)
    assert trial == options.trial(Hyperparameters())
    assert trial != options.trial(Hyperparameters(dropout=0.1))
