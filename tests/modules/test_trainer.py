"""Trainer's entry point on real, tiny inputs, with the vocabulary that tf.Transform wrote."""

import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from modules.errors import TrainingError
from modules.hyperparameters import Hyperparameters
from modules.signatures.language import ServableModel, mixture_weights
from modules.signatures.tasks import make_servable
from modules.trainer import fit_mixture, run_fn
from modules.training.experiment import Experiment, tally
from modules.training.search import search_space
from modules.windows import dataset


def weights(args: FnArgs) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(Path(args.serving_model_dir) / "variables/variables"))
    names = [name for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name) for name in names}


def train(args: FnArgs) -> None:
    """All that `run_fn` does before it writes a model, which takes longer."""
    experiment = Experiment(args, make_servable)
    hyperparameters = Hyperparameters(**args.custom_config["hyperparameters"])
    experiment.prepare(hyperparameters, experiment.work_dir)[1].run()


def found(**values) -> dict:
    """What the Tuner writes."""
    space = search_space(Hyperparameters())
    space.values |= values
    return json.loads(json.dumps(space.get_config()))


def test_a_model_comes_out_and_the_same_one_if_the_run_was_killed(
    fn_args, tmp_path, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    whole, killed, resumed = (fn_args(name) for name in ("whole", "killed", "resumed"))
    run_fn(whole)
    model = tf.saved_model.load(whole.serving_model_dir)
    assert set(model.signatures) == set(ServableModel.signatures)
    assert [file.name.split(".")[0] for file in Path(whole.model_run_dir).iterdir()] == ["events"]
    assert list((tmp_path / "work").iterdir()) == []  # nothing is left of the finished run
    assert "epoch 3/3: perplexity training" in caplog.text
    assert "held-out" in caplog.text
    assert sum(message.startswith("  春") for message in caplog.messages) == 1

    calls = []

    def tally_once(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return tally(*args)

    monkeypatch.setattr("modules.training.experiment.tally", tally_once)
    with pytest.raises(KeyboardInterrupt):
        run_fn(killed)
    run_fn(resumed)  # TFX gives the new execution new directories
    assert len(calls) == 2 + 2  # the second and the third epoch
    assert caplog.text.count("best weights: epoch 3") == 2
    np.testing.assert_equal(weights(resumed), weights(whole))


def test_other_options_do_not_resume_an_unfinished_run(fn_args, monkeypatch, tmp_path):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("modules.training.experiment.tally", killed)
        for changes in ({}, {}, {"seed": 1}, {"hyperparameters": found(num_hiddens=4)}):
            with pytest.raises(KeyboardInterrupt):
                run_fn(fn_args("killed", **changes))
    assert len(list((tmp_path / "work").iterdir())) == 3


def test_what_the_tuner_found_replaces_what_is_configured(fn_args):
    best = found(num_hiddens=2, embedding_size=3)
    args = fn_args("tuned", splits=("train",), num_epochs=1, sample_every=0, hyperparameters=best)
    run_fn(args)
    shapes = {values.shape for values in weights(args).values() if values.ndim == 2}
    assert {(3, 3 * 2), (2, 3 * 2)} <= shapes  # the GRU's kernel and recurrent kernel


def test_validation_decides_where_there_is_some(fn_args, caplog):
    caplog.set_level(logging.INFO)
    train(fn_args("both", splits=("train", "validation", "eval"), num_epochs=1))
    assert "epoch 1/1: perplexity training" in caplog.text
    assert ", validation " in caplog.text
    assert "held-out" not in caplog.text
    (line,) = [text for text in caplog.messages if text.startswith("best weights: epoch 1")]
    train(fn_args("one", splits=("train", "validation"), num_epochs=1))
    assert caplog.messages.count(line) == 2  # whatever is held out makes no difference


def test_a_mixture_is_fitted_to_the_validation_text(fn_args, caplog):
    caplog.set_level(logging.INFO)
    args = fn_args("run", splits=("train", "validation", "eval"), mixture=True, num_epochs=1)
    run_fn(args)
    weights = mixture_weights(args.serving_model_dir)
    assert weights.keys() == {"network", "n-gram", "cache"}
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["cache"] < 0.01
    assert f"mixture: network {weights['network']:.2f}, n-gram" in caplog.text

    model = tf.saved_model.load(args.serving_model_dir)
    (batch,) = dataset.scored_batches(args.eval_files, "validation", 2)
    outputs = model.signatures["evaluate"](examples=batch)
    parts = [float(outputs[name][0]) for name in ("nats", "ngram_nats")]
    assert float(outputs["mixture_nats"][0]) <= min(parts) + 1e-3
    (other,) = dataset.scored_batches(args.eval_files, "eval", 2)
    assert math.isnan(model.signatures["evaluate"](examples=other)["mixture_nats"][0])


def test_a_cache_that_is_off_has_no_part_in_the_mixture(build_model, vocabulary, scored_window):
    servable = ServableModel(build_model(), vocabulary, np.zeros(8))
    window = scored_window("ab", ngram_nats=[1.0, 2.0]).SerializeToString()
    batches = tf.data.Dataset.from_tensor_slices([window]).batch(1)
    fit_mixture(servable, batches)
    assert servable.mixture_weights.numpy()[2] == 0
    assert tally(servable.evaluate, batches).figures["mixture_perplexity"] < 8


def test_without_held_out_windows_it_trains_all_epochs(fn_args, caplog):
    caplog.set_level(logging.INFO)
    train(fn_args("run", splits=("train",), num_epochs=2))
    assert "epoch 2/2" in caplog.text
    assert "held-out" not in caplog.text


def test_a_precision_that_is_not_to_be_had_here_is_refused(fn_args, monkeypatch, tmp_path):
    monkeypatch.setattr("modules.training.experiment.cpu_flags", lambda: {"avx2"})
    with pytest.raises(TrainingError, match="needs a CPU with avx512_bf16 or amx_bf16"):
        run_fn(fn_args("run", precision="bfloat16"))
    assert not (tmp_path / "work").exists()  # nothing is left behind
    assert not (tmp_path / "run").exists()
