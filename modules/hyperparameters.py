"""Options of the vocabulary, the network and its training, checked on construction.

They cross from the pipeline's definition into its workers as JSON (`dataclasses.asdict`)
and are rebuilt there, so a worker never sees a value that was not checked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modules.errors import ConfigError

Cell = Literal["rnn", "gru", "lstm"]
Newline = Literal["keep", "space"]
VocabularySplits = Literal["train", "all"]

# Keys of the custom_config that Transform and Trainer are given.
VOCABULARY = "vocabulary"
WINDOWS = "windows"
HYPERPARAMETERS = "hyperparameters"
WORK_DIR = "work_dir"
MIXTURE = "mixture"


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Raises ConfigError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise ConfigError(f"{name}={value!r} is not known: choose one of {listed}")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raises ConfigError unless `low <= value <= high`; NaN is in no range."""
    if not low <= value <= high:
        bounds = f"at least {low}" if high == float("inf") else f"from {low} to {high}"
        raise ConfigError(f"{name}={value} is out of range: give a value {bounds}")


@dataclass(frozen=True)
class VocabularyOptions:
    """What counts as a character of the vocabulary.

    Attributes:
        vocabulary_splits: where it is looked for: in the `train` split, or in `all`.
        newline: `keep` it as a character, or read it as a `space`, as the book does.
        min_count: characters seen less often in the analysed splits are `<unk>`.
        max_vocab_size: keep so many entries at most, `<unk>` included, the most frequent first;
            0 keeps all.
    """

    vocabulary_splits: VocabularySplits = "train"
    newline: Newline = "keep"
    min_count: int = 1
    max_vocab_size: int = 0

    def __post_init__(self) -> None:
        check_choice("vocabulary_splits", self.vocabulary_splits, get_args(VocabularySplits))
        check_choice("newline", self.newline, get_args(Newline))
        check_range("min_count", self.min_count, 1)
        if self.max_vocab_size:
            check_range("max_vocab_size", self.max_vocab_size, 2)


@dataclass(frozen=True)
class Hyperparameters:
    """The network and how it is trained.

    Attributes:
        cell: the recurrent cell.
        num_hiddens: units of a recurrent layer.
        num_layers: recurrent layers, one on top of the other.
        embedding_size: length of a character's vector.
        dropout: share of the units dropped between layers while training.
        learning_rate: of Adam.
        clip_norm: gradients are scaled down to this global norm.
        num_epochs: passes over the training windows, at most.
        patience: epochs without a better held-out perplexity before training stops; 0 never
            stops early.
        seed: of the weights, the dropout and the shuffling.
        sample_every: epochs between two samples of text in the log; 0 takes none.
        prefixes: what the samples begin with.
    """

    cell: Cell = "gru"
    num_hiddens: int = 256
    num_layers: int = 1
    embedding_size: int = 256
    dropout: float = 0.0
    learning_rate: float = 2e-3
    clip_norm: float = 1.0
    num_epochs: int = 20
    patience: int = 3
    seed: int = 0
    sample_every: int = 5
    prefixes: tuple[str, ...] = ("分开", "不分开")

    def __post_init__(self) -> None:
        if isinstance(self.prefixes, str):
            raise ConfigError(f"prefixes={self.prefixes!r} is one text: give a list of texts")
        object.__setattr__(self, "prefixes", tuple(self.prefixes))  # JSON brings a list
        check_choice("cell", self.cell, get_args(Cell))
        for name in ("num_hiddens", "num_layers", "embedding_size", "num_epochs"):
            check_range(name, getattr(self, name), 1)
        for name in ("patience", "sample_every"):
            check_range(name, getattr(self, name), 0)
        check_range("seed", self.seed, 0, 2**32 - 1)  # as wide as NumPy's
        check_range("dropout", self.dropout, 0, 0.95)
        check_range("learning_rate", self.learning_rate, 1e-9, 1e3)
        check_range("clip_norm", self.clip_norm, 1e-9)
        if not all(self.prefixes):
            raise ConfigError("prefixes holds an empty text: give each one character or more")
