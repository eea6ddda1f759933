"""Options of the network, its training and the search for them.

They cross from the pipeline's definition into its workers as JSON (`dataclasses.asdict`)
and are rebuilt there, so a worker never sees a value that was not checked.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from modules.checks import FIRST, Options, option
from modules.errors import ConfigError

Task = Literal["language", "fill"]
Cell = Literal["rnn", "gru", "lstm"]
Precision = Literal["float32", "bfloat16"]

# Keys of the custom_config that Transform, Tuner and Trainer are given.
WINDOWS = "windows"
HYPERPARAMETERS = "hyperparameters"
WORK_DIR = "work_dir"
NGRAM = "ngram"
MIXTURE = "mixture"
NUM_TRIALS = "num_trials"

NETWORK = "Network"  # the heading of some options


@dataclass(frozen=True)
class Hyperparameters(Options, group="Training"):
    """The network, how it is trained, and as what it is saved."""

    task: Task = option(
        "language",
        "Say what comes next, or what is missing between what comes before and after.",
        group=NETWORK,
    )
    cell: Cell = option("gru", "Recurrent cell.", group=FIRST)
    reset_after: bool = option(
        True, "GRU: reset after the product with the state, as cuDNN, or before it.", group=NETWORK
    )
    from_scratch: bool = option(
        False,
        "Layers written out gate by gate and step by step, on one-hot vectors, as in the book.",
        group=NETWORK,
    )
    num_hiddens: int = option(256, "Units of a recurrent layer.", low=1, group=NETWORK)
    num_layers: int = option(1, "Recurrent layers, one on top of the other.", low=1, group=NETWORK)
    embedding_size: int | None = option(
        None,
        "Length of a character's vector; 0 is one-hot.",
        low=0,
        shown="as many as --num-hiddens",
        group=NETWORK,
    )
    tie_weights: bool = option(False, "Make the output's weights the embedding's.", group=NETWORK)
    layer_norm: bool = option(False, "Normalise each recurrent layer's output.", group=NETWORK)
    dropout: float = option(
        0.0, "Share of units dropped between layers while training.", low=0, high=0.95
    )
    variational_dropout: bool = option(False, "Drop the same units at every step of a window.")
    optimizer: Literal["sgd", "adam", "adamw"] = option(
        "adam", "How the weights follow the gradients."
    )
    learning_rate: float = option(
        2e-3, "The optimizer's, the highest of its schedule.", low=1e-9, high=1e3
    )
    schedule: Literal["constant", "cosine"] = option(
        "constant", "Learning rate: constant, or down to 0 at the last epoch's end."
    )
    warmup_steps: int = option(0, "Minibatches in which the learning rate rises from 0.", low=0)
    weight_decay: float = option(
        0.0, "Share of a weight that AdamW takes off, times the learning rate.", low=0, high=1
    )
    clip_norm: float = option(1.0, "Gradients are scaled down to this global norm.", low=1e-9)
    label_smoothing: float = option(
        0.0, "Probability that the loss gives to all characters alike.", low=0, high=0.95
    )
    precision: Precision = option(
        "float32", "Of the products of matrices in training; states and weights are float32."
    )
    num_epochs: int = option(20, "Passes over the training windows, at most.", low=1, group=FIRST)
    patience: int = option(
        3, "Epochs without a better perplexity before training stops; 0 never stops.", low=0
    )
    # As wide as NumPy's.
    seed: int = option(
        0, "Of the weights, the dropout and the shuffling.", low=0, high=2**32 - 1, group=FIRST
    )
    sample_every: int = option(5, "Epochs between two samples of text; 0 takes none.", low=0)
    prefixes: tuple[str, ...] = option(
        ("分开", "不分开"),
        "What a sample begins with; may be given more than once.",
        flag="--sample-prefix",
        metavar="TEXT",
    )
    xla: bool = option(
        False, "Save generate_xla too: faster, but only where the server lets XLA compile."
    )

    def __post_init__(self) -> None:
        if isinstance(self.prefixes, str):
            raise ConfigError("{prefixes} is one text: give a list of texts", vars(self))
        object.__setattr__(self, "prefixes", tuple(self.prefixes))  # JSON brings a list
        super().__post_init__()
        if not all(self.prefixes):
            raise ConfigError(
                "{prefixes.name} holds an empty text: give each one character or more", vars(self)
            )
        self._check_combinations()

    @property
    def embedding_units(self) -> int:
        """Length of a character's vector; 0 for a one-hot vector."""
        return self.num_hiddens if self.embedding_size is None else self.embedding_size

    def _check_combinations(self) -> None:
        if self.tie_weights:
            self._needs("{tie_weights.name}", "task", "language")
            if self.embedding_units != self.num_hiddens:
                raise ConfigError(
                    "{tie_weights.name} needs an {embedding_size.name} of {num_hiddens}, got "
                    "{got}: give neither or both alike",
                    vars(self),
                    got=self.embedding_units,
                )
        if self.from_scratch:
            self._needs("{from_scratch.name}", "embedding_size", 0)
            self._needs("{from_scratch.name}", "precision", "float32")
        if self.xla:
            self._needs("{xla.name}", "task", "language")
        if self.weight_decay:
            self._needs("{weight_decay.name}", "optimizer", "adamw")
        if not self.reset_after:
            self._needs("{reset_after}", "cell", "gru")

    def _needs(self, option: str, other: str, value: str | int) -> None:
        got = getattr(self, other)
        if got != value:
            raise ConfigError(
                f"{option} needs {{{other}:{value}}}, got {{got}}: change one of the two",
                vars(self),
                got=repr(got),
            )


@dataclass(frozen=True)
class TunerOptions(Options, group="Tuning"):
    """How hyperparameters are searched for before the model is trained."""

    num_trials: int = option(
        0,
        "Sets of hyperparameters to try before training, the configured one first; 0 tries none.",
        low=0,
        flag="--tune",
    )
    tune_epochs: int = option(3, "Passes over the training windows in a trial, at most.", low=1)

    def trial(self, hyperparameters: Hyperparameters) -> Hyperparameters:
        """What a trial starts from: what is of no account in one does not make it another."""
        return dataclasses.replace(
            hyperparameters, num_epochs=self.tune_epochs, sample_every=0, prefixes=()
        )
