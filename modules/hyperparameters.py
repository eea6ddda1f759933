"""Options of the network, its training and the search for them, checked on construction.

They cross from the pipeline's definition into its workers as JSON (`dataclasses.asdict`)
and are rebuilt there, so a worker never sees a value that was not checked.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modules.checks import check_choice, check_range
from modules.errors import ConfigError

Task = Literal["language", "fill"]
Cell = Literal["rnn", "gru", "lstm"]
Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["float32", "bfloat16"]

# Keys of the custom_config that Transform, Tuner and Trainer are given.
WINDOWS = "windows"
HYPERPARAMETERS = "hyperparameters"
WORK_DIR = "work_dir"
NGRAM = "ngram"
MIXTURE = "mixture"
NUM_TRIALS = "num_trials"


@dataclass(frozen=True)
class Hyperparameters:
    """The network, how it is trained, and as what it is saved.

    Attributes:
        task: `language`, to say what comes next; or `fill`, to say what is missing between what
            comes before and what comes after.
        cell: the recurrent cell.
        reset_after: whether the GRU resets after its product with the state, as cuDNN does, or
            before, as the book does.
        from_scratch: whether the layers are written out gate by gate and step by step, read
            one-hot vectors and start from N(0, 0.01^2), as in the book.
        num_hiddens: units of a recurrent layer.
        num_layers: recurrent layers, one on top of the other.
        embedding_size: length of a character's vector; None is num_hiddens, 0 a one-hot vector.
        tie_weights: whether the output's weights are the embedding's.
        layer_norm: whether each recurrent layer's output is normalised.
        dropout: share of the units dropped between layers while training.
        variational_dropout: whether the same units are dropped at every step of a window.
        optimizer: how the weights follow the gradients.
        learning_rate: of the optimizer, the highest of its schedule.
        schedule: `constant`, or down to 0 at the last epoch's end along a `cosine`.
        warmup_steps: minibatches in which the learning rate rises from 0.
        weight_decay: share of a weight that AdamW takes off it, times the learning rate.
        clip_norm: gradients are scaled down to this global norm.
        label_smoothing: probability that the loss gives to all characters alike.
        precision: of the products of matrices in training; states and weights are float32.
        num_epochs: passes over the training windows, at most.
        patience: epochs without a better perplexity, of the `validation` split or else of
            `eval`, before training stops; 0 never stops early.
        seed: of the weights, the dropout and the shuffling.
        sample_every: epochs between two samples of text in the log; 0 takes none.
        prefixes: what the samples begin with.
        xla: whether the SavedModel can also write compiled by XLA, which is faster, but only
            where the server allows it.
    """

    task: Task = "language"
    cell: Cell = "gru"
    reset_after: bool = True
    from_scratch: bool = False
    num_hiddens: int = 256
    num_layers: int = 1
    embedding_size: int | None = None
    tie_weights: bool = False
    layer_norm: bool = False
    dropout: float = 0.0
    variational_dropout: bool = False
    optimizer: Optimizer = "adam"
    learning_rate: float = 2e-3
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    precision: Precision = "float32"
    num_epochs: int = 20
    patience: int = 3
    seed: int = 0
    sample_every: int = 5
    prefixes: tuple[str, ...] = ("分开", "不分开")
    xla: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.prefixes, str):
            raise ConfigError(f"prefixes={self.prefixes!r} is one text: give a list of texts")
        object.__setattr__(self, "prefixes", tuple(self.prefixes))  # JSON brings a list
        check_choice("task", self.task, get_args(Task))
        check_choice("cell", self.cell, get_args(Cell))
        check_choice("optimizer", self.optimizer, get_args(Optimizer))
        check_choice("schedule", self.schedule, get_args(Schedule))
        check_choice("precision", self.precision, get_args(Precision))
        for name in ("num_hiddens", "num_layers", "num_epochs"):
            check_range(name, getattr(self, name), 1)
        check_range("embedding_size", self.embedding_units, 0)
        for name in ("patience", "sample_every", "warmup_steps"):
            check_range(name, getattr(self, name), 0)
        check_range("seed", self.seed, 0, 2**32 - 1)  # as wide as NumPy's
        check_range("dropout", self.dropout, 0, 0.95)
        check_range("learning_rate", self.learning_rate, 1e-9, 1e3)
        check_range("weight_decay", self.weight_decay, 0, 1)
        check_range("clip_norm", self.clip_norm, 1e-9)
        check_range("label_smoothing", self.label_smoothing, 0, 0.95)
        if not all(self.prefixes):
            raise ConfigError("prefixes holds an empty text: give each one character or more")
        self._check_combinations()

    @property
    def embedding_units(self) -> int:
        """Length of a character's vector; 0 for a one-hot vector."""
        return self.num_hiddens if self.embedding_size is None else self.embedding_size

    def _check_combinations(self) -> None:
        if self.tie_weights:
            self._needs("tie_weights", "task", "language")
            if self.embedding_units != self.num_hiddens:
                raise ConfigError(
                    f"tie_weights needs an embedding_size of num_hiddens={self.num_hiddens}, got "
                    f"{self.embedding_units}: give neither or both alike"
                )
        if self.from_scratch:
            self._needs("from_scratch", "embedding_size", 0)
            self._needs("from_scratch", "precision", "float32")
        if self.xla:
            self._needs("xla", "task", "language")
        if self.weight_decay:
            self._needs("weight_decay", "optimizer", "adamw")
        if not self.reset_after:
            self._needs("reset_after=False", "cell", "gru")

    def _needs(self, option: str, other: str, value: Any) -> None:
        got = getattr(self, other)
        if got != value:
            raise ConfigError(
                f"{option} needs {other}={value!r}, got {got!r}: change one of the two"
            )


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
