"""Trainer's entry point on real, tiny inputs, with the vocabulary that tf.Transform wrote."""

import dataclasses
import json
import logging
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx.components.trainer.fn_args_utils import FnArgs

from modules.hyperparameters import Hyperparameters, VocabularyOptions
from modules.preprocessing import preprocessing_fn
from modules.trainer import run_fn, sample, tally
from modules.windowing import WindowOptions

LYRICS = "春天 a\n来了 ab\n" * 12
HYPERPARAMETERS = Hyperparameters(
    num_hiddens=8,
    embedding_size=4,
    learning_rate=0.02,
    num_epochs=3,
    dropout=0.2,
    sample_every=3,
    prefixes=("春",),
)
VOCABULARY = VocabularyOptions()
WINDOWS = WindowOptions("consecutive", batch_size=2, num_steps=5)


@pytest.fixture(scope="module")
def transformed(tmp_path_factory) -> tuple[str, list[int]]:
    """Transform's output and the indices of LYRICS."""
    directory = tmp_path_factory.mktemp("transform")
    metadata = DatasetMetadata.from_feature_spec({"text": tf.io.FixedLenFeature([1], tf.string)})
    config = {"vocabulary": dataclasses.asdict(VOCABULARY)}
    with tft_beam.Context(temp_dir=str(directory / "temporary")):
        (data, _), transform_fn = (
            [{"text": [LYRICS.encode()]}],
            metadata,
        ) | tft_beam.AnalyzeAndTransformDataset(lambda inputs: preprocessing_fn(inputs, config))
        transform_fn | tft_beam.WriteTransformFn(str(directory / "output"))
    return str(directory / "output"), data[0]["ids"].tolist()


@pytest.fixture
def fn_args(transformed, tmp_path, write_windows, write_scored, scored_window):
    """Makes the arguments of one execution; each has directories of its own."""
    transform_output, ids = transformed
    layout = WINDOWS.training([len(ids)])
    train_files = write_windows(ids[slice(*layout.window(i))] for i in range(layout.num_windows))

    def make(name: str, splits=("train", "eval"), **changes) -> FnArgs:
        texts = {"train": LYRICS[:60], "eval": "来了 ab\n"}
        scored = write_scored(scored_window(texts[split], split=split) for split in splits)
        config = {
            "hyperparameters": dataclasses.asdict(dataclasses.replace(HYPERPARAMETERS, **changes)),
            "vocabulary": dataclasses.asdict(VOCABULARY),
            "windows": dataclasses.asdict(WINDOWS),
            "work_dir": str(tmp_path / "work"),
            "source_digest": "abc",
        }
        return FnArgs(
            train_files=[train_files],
            eval_files=[scored],
            transform_output=transform_output,
            serving_model_dir=str(tmp_path / name / "Format-Serving"),
            model_run_dir=str(tmp_path / name / "model_run"),
            custom_config=json.loads(json.dumps(config)),
        )

    return make


def weights(args: FnArgs) -> dict[str, list]:
    reader = tf.train.load_checkpoint(str(Path(args.serving_model_dir) / "variables/variables"))
    names = [name for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name).tolist() for name in names}


def test_a_model_comes_out(fn_args, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    args = fn_args("run")
    run_fn(args)
    model = tf.saved_model.load(args.serving_model_dir)
    assert set(model.signatures) == {"generate", "score", "evaluate"}
    assert sample(model, "春").startswith("春")
    assert len(sample(model, "春")) == 1 + 50
    assert [path.name.split(".")[0] for path in Path(args.model_run_dir).rglob("*")] == ["events"]
    assert list((tmp_path / "work").iterdir()) == []  # nothing is left of the finished run
    assert "epoch 3/3: perplexity training" in caplog.text
    assert "held-out" in caplog.text
    assert sum(message.startswith("  春") for message in caplog.messages) == 1


def test_the_tally_is_what_the_evaluate_signature_says(fn_args, scored_window):
    args = fn_args("run", num_epochs=1)
    run_fn(args)
    model = tf.saved_model.load(args.serving_model_dir)
    windows = [scored_window("来了 夏\n"), scored_window("春秋a", context=1)]
    serialized = [window.SerializeToString() for window in windows]
    result = tally(model, tf.data.Dataset.from_tensor_slices(serialized).batch(1))
    assert result.characters == 7
    assert result.unknown == {"夏", "秋"}
    assert result.uniform_perplexity == pytest.approx(len("<春天 a\n来了b") * 2 ** (2 / 7))
    assert 1 < result.perplexity < 100
    # LYRICS[:60]: 13 characters four times and 8 more; add one for each of the 9 entries.
    counts = {c: LYRICS[:60].count(c) + 1 for c in "来了 \na"}
    nats = [counts["来"], counts["了"], counts[" "], 1, counts["\n"], 1, counts["a"]]
    product = tf.reduce_prod([69 / count for count in nats]).numpy()
    assert result.unigram_perplexity == pytest.approx(product ** (1 / 7) * 2 ** (2 / 7), rel=1e-4)


def test_two_runs_are_the_same_and_a_killed_one_too(fn_args, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    first, second = fn_args("first"), fn_args("second")
    run_fn(first)
    calls = []

    def killed(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return tally(*args)

    monkeypatch.setattr("modules.trainer.tally", killed)
    with pytest.raises(KeyboardInterrupt):
        run_fn(second)
    again = fn_args("again")  # TFX gives the new execution new directories
    run_fn(again)
    assert len(calls) == 2 + 2  # the second and the third epoch
    assert caplog.text.count("best weights: epoch 3") == 2
    assert weights(again) == weights(first)


def test_other_options_do_not_resume_an_unfinished_run(fn_args, monkeypatch, tmp_path):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("modules.trainer.tally", killed)
        for changes in ({}, {}, {"seed": 1}):
            with pytest.raises(KeyboardInterrupt):
                run_fn(fn_args("killed", **changes))
    assert len(list((tmp_path / "work").iterdir())) == 2


def test_without_held_out_windows_it_trains_all_epochs(fn_args, caplog):
    caplog.set_level(logging.INFO)
    run_fn(fn_args("run", splits=("train",)))
    assert "epoch 3/3" in caplog.text
    assert "held-out" not in caplog.text
