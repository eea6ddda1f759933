"""Tuner's entry point, and the search that it makes, on real, tiny inputs."""

import logging
import os

import pytest

from modules.errors import TrainingError
from modules.hyperparameters import Hyperparameters
from modules.training.loop import Training
from modules.tuner import tuner_fn


@pytest.fixture
def make_search(fn_args):
    """Makes a search as one execution of the Tuner does."""

    def make(num_trials=2, **changes):
        changes = {"num_epochs": 1, "sample_every": 0} | changes
        args = fn_args("trial", splits=("train",), **changes)
        args.custom_config["num_trials"] = num_trials
        return tuner_fn(args).tuner

    return make


@pytest.fixture
def instead_of_training(monkeypatch):
    """Makes each training end as told, in order: with a perplexity, or with an error."""

    def replace(*ends):
        left = list(ends)

        def run(training):
            end = left.pop(0)
            if isinstance(end, BaseException):
                raise end
            return end

        monkeypatch.setattr(Training, "run", run)

    return replace


def scores(search) -> list[float]:
    """In the order of the trials, which a resumed search does not keep."""
    return [trial.score for _, trial in sorted(search.oracle.trials.items())]


def found(search) -> tuple:
    (trial,) = search.oracle.get_best_trials()
    return trial.hyperparameters.values, trial.score


def test_the_same_is_found_if_the_search_was_killed(make_search, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    whole = make_search()
    whole.search()
    values, perplexity = found(whole)
    assert values.keys() == {"learning_rate", "num_hiddens", "embedding_size", "dropout"}
    assert 1 < perplexity < 20
    assert "trial 1/2: learning_rate 0.02, num_hiddens 8, embedding_size 4, dropout 0.2" in (
        caplog.messages
    )
    assert perplexity == min(scores(whole))
    assert f"trial 2/2: perplexity {scores(whole)[1]:.1f}" in caplog.messages
    assert os.listdir(tmp_path / "work") == []  # nothing is left of the finished search

    with monkeypatch.context() as patch:
        train, calls = Training.run, []

        def killed_in_the_second(training):
            calls.append(training)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return train(training)

        patch.setattr(Training, "run", killed_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            make_search().search()
    resumed = make_search()
    assert caplog.messages[-1] == "resuming after trial 1"
    resumed.search()
    assert scores(resumed) == scores(whole)
    assert found(resumed) == (values, perplexity)
    assert os.listdir(tmp_path / "work") == []


def test_the_search_depends_on_the_seed_alone(make_search, instead_of_training):
    def tried(seed):
        instead_of_training(3.0, 2.0, 1.0)
        search = make_search(3, seed=seed)
        search.search()
        return [trial.hyperparameters.values for trial in search.oracle.trials.values()]

    first = tried(seed=0)
    assert first == tried(seed=0)
    other = tried(seed=1)
    assert first[0] == other[0]  # what is configured
    assert first[1:] != other[1:]


def test_what_diverges_is_the_worst_there_can_be(make_search, instead_of_training, caplog):
    caplog.set_level(logging.INFO)
    instead_of_training(TrainingError("no epoch of 1 had a finite perplexity"), 900.0)
    search = make_search()
    search.search()
    assert found(search)[1] == 900.0
    assert "no epoch of 1 had a finite perplexity" in caplog.messages
    assert "trial 1/2: perplexity inf" in caplog.messages


def test_a_search_that_finds_nothing_says_so(make_search, instead_of_training, tmp_path):
    instead_of_training(*[TrainingError("diverged")] * 4)
    with pytest.raises(TrainingError, match=r"no trial of 4 had .* learning_rate=0\.02 or near"):
        make_search(4).search()
    assert os.listdir(tmp_path / "work") == []


def test_a_bug_is_no_bad_trial(make_search, instead_of_training):
    instead_of_training(3.0, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        make_search().search()


def test_standard_output_is_left_to_the_summary(make_search, instead_of_training, capsys):
    instead_of_training(3.0, KeyboardInterrupt(), 2.0)
    with pytest.raises(KeyboardInterrupt):
        make_search().search()
    search = make_search()
    search.search_space_summary()
    search.search()
    search.results_summary()
    assert capsys.readouterr().out == ""


def test_a_trial_starts_from_what_is_configured(make_search, instead_of_training, monkeypatch):
    seen = []
    instead_of_training(2.0)
    search = make_search(1, cell="lstm", num_epochs=4)
    prepare = search._experiment.prepare
    monkeypatch.setattr(
        search._experiment, "prepare", lambda *args: seen.append(args) or prepare(*args)
    )
    search.search()
    ((hyperparameters, work_dir),) = seen
    assert hyperparameters == Hyperparameters(
        cell="lstm",
        num_hiddens=8,
        embedding_size=4,
        learning_rate=0.02,
        num_epochs=4,
        dropout=0.2,
        sample_every=0,
        prefixes=("春",),
    )
    assert "trial_0" in work_dir
