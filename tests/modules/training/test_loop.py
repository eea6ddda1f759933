import dataclasses
import logging
import math
import os
import re
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from modules.errors import StorageError, TrainingError
from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.training.loop import Data, Training
from modules.windows.dataset import training_batches
from modules.windows.windowing import WindowOptions

VOCAB_SIZE = 6
IDS = np.array([1, 2, 3, 1, 2, 4, 1, 2, 3, 5] * 6 + [1])  # 61 characters, none at random
DEFAULTS = {
    "cell": "rnn",  # the quickest to build
    "num_hiddens": 8,
    "embedding_size": 4,
    "learning_rate": 0.02,
    "num_epochs": 3,
    "patience": 0,
}
OPTIONS = {
    "consecutive": WindowOptions("consecutive", batch_size=2, num_steps=5),
    "random": WindowOptions("random", batch_size=2, num_steps=5, random_offset=True),
}


class Run:
    """One training, from weights that the seed decides on."""

    def __init__(self, data, work_dir, held_out=None, **hyperparameters):
        self.hyperparameters = Hyperparameters(**DEFAULTS | hyperparameters)
        keras.utils.set_random_seed(self.hyperparameters.seed)
        self.model = LanguageModel(VOCAB_SIZE, self.hyperparameters)
        self.samples = []
        self.weights_then = []  # after each epoch
        self._held_out = held_out
        self.training = Training(
            self.model,
            data,
            self.hyperparameters,
            self.measure if held_out else None,
            self.sample,
            str(work_dir),
        )

    def __call__(self) -> "Run":
        self.training.run()
        return self

    def measure(self) -> float:
        self.weights_then.append(self.weights)
        return self._held_out(self)

    def sample(self, prefix: str) -> str:
        self.samples.append(prefix)
        return prefix + "\n春"

    @property
    def weights(self) -> list[np.ndarray]:
        return [weight.numpy() for weight in self.model.weights]


def in_turn(*perplexities: float) -> Callable[[Run], float]:
    """What the held-out perplexity is after each epoch; an exception is raised."""
    values = iter(perplexities)

    def value(run: Run) -> float:
        return next(values)

    return value


def measured(run: Run) -> float:
    """Perplexity of the last 20 characters."""
    ids = tf.constant(IDS[None, -21:], tf.int64)
    logits, _ = run.model(ids[:, :-1], run.model.initial_state(1))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits)
    return math.exp(tf.reduce_mean(losses))


def killed_after(epochs: int) -> Callable[[Run], float]:
    """As `measured`, but the process ends before the next epoch is written down."""

    def value(run: Run) -> float:
        if len(run.weights_then) > epochs:
            raise KeyboardInterrupt
        return measured(run)

    return value


def assert_same(weights, expected, **tolerance):
    for one, other in zip(weights, expected, strict=True):
        np.testing.assert_allclose(one, other, **({"rtol": 0, "atol": 0} | tolerance))


def differ(weights, others) -> bool:
    return any(np.abs(a - b).max() > 1e-4 for a, b in zip(weights, others, strict=True))


@pytest.fixture
def data(write_windows) -> Callable[[str], Data]:
    def write(sampling: str = "consecutive", ids=IDS, batch_size: int = 2) -> Data:
        options = dataclasses.replace(OPTIONS[sampling], batch_size=batch_size)
        layout = options.training([len(ids)])
        windows = (ids[slice(*layout.window(i))] for i in range(layout.num_windows))
        return Data([write_windows(windows)], options)

    return write


@pytest.mark.parametrize("batch_size", [1, 2, 3])
@pytest.mark.parametrize(("sampling", "cell"), [("consecutive", "lstm"), ("random", "gru")])
def test_training_is_a_plain_loop(data, tmp_path, sampling, cell, batch_size):
    """Section 6.4.7: carry the state or drop it, clip, update; halves make a whole."""
    data = data(sampling, batch_size=batch_size)
    run = Run(data, tmp_path / "work", in_turn(3, 2, 1), cell=cell)
    initial = run.weights
    run()
    plain = Run(data, tmp_path / "plain", cell=cell)
    assert_same(plain.weights, initial)
    model, optimizer = plain.model, keras.optimizers.Adam(0.02)
    for epoch in range(3):
        state = model.initial_state(batch_size)
        for inputs, targets in training_batches(data.patterns, data.options, 0, epoch):
            if sampling == "random":
                state = model.initial_state(batch_size)
            with tf.GradientTape() as tape:
                logits, state = model(inputs, state)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, [weight.value for weight in model.weights])
            gradients, _ = tf.clip_by_global_norm([tf.convert_to_tensor(g) for g in gradients], 1.0)
            optimizer.apply(gradients, model.weights)
    assert differ(run.weights, initial)
    assert_same(run.weights, plain.weights, atol=1e-4)


def test_training_learns(data, tmp_path):
    run = Run(data(), tmp_path, measured, num_epochs=12)
    before = measured(run)
    assert before == pytest.approx(VOCAB_SIZE, rel=0.3)
    assert measured(run()) < 3


def test_the_same_seed_gives_the_same_weights(data, tmp_path):
    data = data("random")
    weights = [
        Run(data, tmp_path / str(number), measured, seed=seed, dropout=0.5)().weights
        for number, seed in enumerate((1, 1, 2))
    ]
    assert_same(weights[0], weights[1])
    assert differ(weights[0], weights[2])


@pytest.mark.parametrize(
    "options",
    [
        {},  # the embedding's gradient is many rows of the same index
        {"embedding_size": 0},  # that of the input weights is
        {"embedding_size": 8, "tie_weights": True},  # such rows and a matrix, of one weight
        {"embedding_size": 0, "from_scratch": True},  # products with one-hot vectors
    ],
)
def test_gradients_are_clipped_by_the_book_s_formula(data, tmp_path, options):
    """Section 6.4.5: g * min(theta / ||g||, 1), of all gradients together."""

    def gradients(clip_norm: float) -> list[np.ndarray]:
        place = tmp_path / str(clip_norm)
        # All characters are one.
        ones = data(ids=np.ones(12, int))
        weights = Run(ones, place, num_epochs=1, clip_norm=clip_norm, **options)().weights
        checkpoint = tf.train.load_checkpoint(str(place))
        # After one step Adam's first moments are a tenth of the gradient.
        names = [f"optimizer/_variables/{2 * i + 2}" for i in range(len(weights))]
        moments = [checkpoint.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE") for name in names]
        assert [moment.shape for moment in moments] == [weight.shape for weight in weights]
        return [moment * 10 for moment in moments]

    free = gradients(1e9)
    norm = np.sqrt(sum(np.square(gradient).sum() for gradient in free))
    for theta in (norm / 100, norm * 1.1):
        for clipped, gradient in zip(gradients(theta), free, strict=True):
            expected = gradient * min(theta / norm, 1)
            np.testing.assert_allclose(clipped, expected, rtol=1e-3, atol=1e-6 * theta)


# Which weights are kept.


def test_the_best_weights_are_restored(data, tmp_path):
    run = Run(data(), tmp_path, in_turn(5, 3, 4, 3), num_epochs=4)()
    assert len(run.weights_then) == 4
    assert_same(run.weights, run.weights_then[1])  # the first of equals
    assert differ(run.weights, run.weights_then[3])


def test_patience_runs_out(data, tmp_path):
    run = Run(data(), tmp_path, in_turn(5, 3, 4, 3, 2), num_epochs=9, patience=2)()
    assert len(run.weights_then) == 4
    assert_same(run.weights, run.weights_then[1])


def test_patience_begins_anew_with_every_better_epoch(data, tmp_path):
    run = Run(data(), tmp_path, in_turn(5, 6, 4, 6, 3, 6, 7), num_epochs=7, patience=2)()
    assert len(run.weights_then) == 7
    assert_same(run.weights, run.weights_then[4])


def test_without_patience_training_goes_on(data, tmp_path):
    run = Run(data(), tmp_path, in_turn(1, 2, 3, 4, 5, 6), num_epochs=6)()
    assert len(run.weights_then) == 6
    assert_same(run.weights, run.weights_then[0])


def test_an_epoch_that_is_not_a_number_is_not_the_best(data, tmp_path):
    run = Run(data(), tmp_path, in_turn(math.nan, 3, math.inf))()
    assert_same(run.weights, run.weights_then[1])


@pytest.mark.parametrize("perplexity", [math.nan, math.inf])
def test_a_training_without_any_good_epoch_says_so(data, tmp_path, perplexity):
    run = Run(data(), tmp_path, in_turn(*[perplexity] * 3))
    with pytest.raises(
        TrainingError,
        match=r"no epoch of 3 had a finite perplexity with learning_rate=0\.02, clip_norm=1\.0 and "
        r"optimizer='adam': lower the first, or the second; what was done before the training is k",
    ):
        run()


def test_an_explosion_is_told_in_a_few_digits(data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = Run(data(), tmp_path, in_turn(1e250, 7.0), num_epochs=2)
    run()
    assert "held-out 1e+250; " in caplog.text


def test_windows_that_were_removed_are_missed(data, tmp_path):
    data = data()
    for file in tf.io.gfile.glob(data.patterns):
        os.remove(file)
    tf.io.TFRecordWriter(data.patterns[0].replace("*", "0.gz"), "GZIP").close()
    with pytest.raises(
        TrainingError, match=r"no training window is at /.*: remove the folder that"
    ):
        Run(data, tmp_path / "work")()


def test_without_held_out_text_the_training_perplexity_decides(data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    Run(data(), tmp_path, num_epochs=4, patience=1)()
    assert "epoch 4/4: perplexity training" in caplog.text
    assert "held-out" not in caplog.text
    assert "best weights: epoch 4" in caplog.text


# Going on after the process was killed.


@pytest.mark.parametrize(
    ("sampling", "dropout"), [("consecutive", 0.0), ("consecutive", 0.5), ("random", 0.5)]
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(data, tmp_path, sampling, dropout):
    data, options = data(sampling), {"num_epochs": 4, "dropout": dropout}
    whole = Run(data, tmp_path / "whole", measured, **options)()
    for _ in range(2):  # the second time it comes one epoch further
        with pytest.raises(KeyboardInterrupt):
            Run(data, tmp_path / "killed", killed_after(1), **options)()
    resumed = Run(data, tmp_path / "killed", measured, **options)()
    assert len(resumed.weights_then) == 2
    assert_same(resumed.weights_then[0], whole.weights_then[2])
    assert_same(resumed.weights_then[1], whole.weights_then[3])
    assert_same(resumed.weights, whole.weights)


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("ckpt-*.index", lambda content: bytes(len(content))),
        ("ckpt-*.index", lambda content: content[:-9]),
        ("ckpt-*.data-*", lambda content: content[:-9]),
        ("ckpt-*.data-*", lambda content: bytes(len(content))),
        ("best.data-*", lambda content: bytes(len(content))),
        ("checkpoint", lambda content: b"\xff" + content),
    ],
)
def test_a_damaged_checkpoint_is_named(data, tmp_path, pattern, damage):
    with pytest.raises(KeyboardInterrupt):
        Run(data(), tmp_path, killed_after(2), num_epochs=4)()
    (file,) = tmp_path.glob(pattern)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StorageError) as error:
        Run(data(), tmp_path, in_turn(9e9, 9e9), num_epochs=4)()
    assert re.fullmatch(
        rf"the training that was cut off in {tmp_path} cannot be read \(.*\): remove that folder "
        "and run again, which begins the training anew",
        str(error.value),
    )


def test_the_first_epoch_may_be_lost(data, tmp_path):
    data = data()
    whole = Run(data, tmp_path / "whole", measured, dropout=0.5)()
    with pytest.raises(KeyboardInterrupt):
        Run(data, tmp_path / "killed", killed_after(0), dropout=0.5)()
    assert_same(Run(data, tmp_path / "killed", measured, dropout=0.5)().weights, whole.weights)


def test_the_best_epoch_may_be_before_the_kill(data, tmp_path):
    data = data()
    first = Run(data, tmp_path, in_turn(2, 3), num_epochs=2)()
    resumed = Run(data, tmp_path, in_turn(4, 5), num_epochs=9, patience=3)()
    assert len(resumed.weights_then) == 2  # not more than the patience that was left
    assert_same(resumed.weights, first.weights_then[0])


def test_a_finished_run_is_not_trained_again(data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    data = data()
    first = Run(data, tmp_path, in_turn(2, 1, 3))()
    again = Run(data, tmp_path, in_turn())()
    assert_same(again.weights, first.weights)
    assert "resuming after epoch 3" in caplog.text


def test_one_checkpoint_is_kept(data, tmp_path):
    Run(data(), tmp_path, measured)()
    indices = [name for name in os.listdir(tmp_path) if name.endswith(".index")]
    assert sorted(indices) == ["best.index", "ckpt-3.index"]


# What it tells.


def test_an_epoch_is_a_line_in_the_log(data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    Run(data(), tmp_path, in_turn(5, 1234.56, 7))()
    lines = [r.getMessage() for r in caplog.records if r.name == "modules.training.loop"]
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "held-out 1234.6; " in epochs[1]
    for line in epochs:
        speed, unit = line.split("; ")[1].split()
        assert float(speed) > 0
        assert unit == "characters/s"
        assert 1 < float(line.split("training ")[1].split(",")[0]) < 2 * VOCAB_SIZE
    assert lines[-1] == "best weights: epoch 1, perplexity 5.0"


def test_long_epochs_report_in_between(data, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("modules.training.loop._SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr("modules.training.loop._MINIBATCHES_A_CALL", 1)
    caplog.set_level(logging.INFO)
    Run(data(), tmp_path, num_epochs=1)()
    lines = [r.message for r in caplog.records if ": after " in r.message]  # as they were written
    # 61 characters are two lanes of 30, of five minibatches of 2 x 5 each.
    starts = [f"epoch 1: after {n} characters: perplexity " for n in (10, 20, 30, 40, 50)]
    assert all(map(str.startswith, lines, starts))
    assert len(lines) == 5


@pytest.mark.parametrize(("every", "samples"), [(0, 0), (1, 5), (2, 2), (5, 1), (6, 0)])
def test_samples_are_taken_every_so_many_epochs(data, tmp_path, caplog, every, samples):
    caplog.set_level(logging.INFO)
    run = Run(data(), tmp_path, num_epochs=5, sample_every=every, prefixes=("分", "不"))()
    assert run.samples == ["分", "不"] * samples
    assert caplog.text.count("  不 春") == samples  # on one line


def test_tensorboard_reads_the_figures(data, tmp_path):
    Run(data(), tmp_path, in_turn(5, 4, 3), sample_every=3, prefixes=("分",))()
    (file,) = (tmp_path / "logs").iterdir()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor)
    assert {tag: list(values) for tag, values in found.items()} == {
        "perplexity/training": [1, 2, 3],
        "perplexity/held-out": [1, 2, 3],
        "characters_per_second": [1, 2, 3],
        "samples": [3],
    }
    assert [float(value) for value in found["perplexity/held-out"].values()] == [5, 4, 3]
    assert found["samples"][3].tolist() == ["分\n春".encode()]
