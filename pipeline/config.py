"""What a pipeline is to do: one frozen value, checked on construction, and the presets."""

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from modules import contract, features
from modules.checks import check_choice, check_range
from modules.corpus.holdout import HoldOut
from modules.corpus.reader import CorpusOptions
from modules.errors import ConfigError
from modules.hyperparameters import Hyperparameters, TunerOptions
from modules.ngrams.options import NgramOptions
from modules.vocabulary.characters import VocabularyOptions
from modules.windows.windowing import WindowOptions

MustBeat = Literal["unigram", "ngram"]

BUNDLED_CORPUS = str(Path(__file__).resolve().parent.parent / "data" / "lyrics.zip")


@dataclass(frozen=True)
class GateOptions:
    """What a model must show to be pushed.

    Attributes:
        gate_split: whose characters count: `eval` for held-out text, `train` for memory.
        max_perplexity: the bound on its perplexity there.
        must_beat: whose perplexity there it has to be below: that of the `unigram` model, or
            that of the `ngram` model too.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """

    gate_split: str = features.EVAL
    max_perplexity: float = 1000.0
    must_beat: MustBeat = "unigram"

    def __post_init__(self) -> None:
        check_choice("gate_split", self.gate_split, (features.EVAL, features.TRAIN))
        # Finite, so that an infinite perplexity never passes.
        check_range("max_perplexity", self.max_perplexity, 1, 1e12)
        check_choice("must_beat", self.must_beat, get_args(MustBeat))
        if self.must_beat == "ngram" and self.gate_split == features.TRAIN:
            raise ConfigError(
                "must_beat='ngram' needs text that the n-gram model was not counted on, got "
                "gate_split='train': gate on 'eval', or beat the 'unigram' model"
            )


@dataclass(frozen=True)
class PipelineConfig:
    """The whole pipeline's configuration, a part for each stage.

    Attributes:
        data: the archives: a path, a glob, or TFX's `span-{SPAN}/v{VERSION}` pattern.
        root: directory of everything the pipeline writes.
        mixture: whether to fit a mixture of the network, the n-gram model and its cache on the
            validation split, and to report it.

    Raises:
        ConfigError: if a combination of options makes no sense.
    """

    data: str = BUNDLED_CORPUS
    root: str = "runs/lyrics"
    mixture: bool = False
    corpus: CorpusOptions = field(default_factory=CorpusOptions)
    hold_out: HoldOut = field(default_factory=HoldOut)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    ngram: NgramOptions = field(default_factory=NgramOptions)
    windows: WindowOptions = field(default_factory=WindowOptions)
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    tuner: TunerOptions = field(default_factory=TunerOptions)
    gate: GateOptions = field(default_factory=GateOptions)

    def __post_init__(self) -> None:
        if not self.root or glob.has_magic(self.root):
            raise ConfigError(
                f"root={self.root!r} is no plain path: give the name of a directory without any "
                "of * ? [ in it"
            )
        if self.gate.gate_split not in self.splits:
            raise ConfigError(
                f"gate_split={self.gate.gate_split!r} needs held-out text; "
                f"hold_out_policy={self.hold_out.hold_out_policy!r} leaves none: "
                "hold some out, or gate on 'train'"
            )
        if self.hyperparameters.task == "fill":
            self._check_fill()
        if self.mixture and features.VALIDATION not in self.splits:
            raise ConfigError(
                "mixture=True needs text to fit its weights on that no model was trained on; "
                f"validation_ratio={self.hold_out.validation_ratio} sets none aside: "
                "give a ratio such as 0.05, or no mixture"
            )

    def _check_fill(self) -> None:
        """Refuses what only a model that reads from left to right can do."""
        if self.windows.sampling != "random":
            raise ConfigError(
                "task='fill' reads each window from both ends, so none continues another; got "
                f"sampling={self.windows.sampling!r}: give sampling='random'"
            )
        if self.windows.num_steps < 2:
            raise ConfigError(
                "task='fill' predicts characters that have one on either side; got windows of 2, "
                f"num_steps={self.windows.num_steps}: give 2 steps or more"
            )
        if self.mixture or self.gate.must_beat == "ngram":
            raise ConfigError(
                "task='fill' sees what comes after a character, which an n-gram model does not, so "
                f"the two are no match; got mixture={self.mixture} and "
                f"must_beat={self.gate.must_beat!r}: give neither, or task='language'"
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the corpus is cut into."""
        return self.hold_out.splits

    @property
    def serving_dir(self) -> str:
        """Where versions are pushed, and where a server looks for them."""
        return os.path.join(self.root, "serving", contract.MODEL_NAME)

    def override(self, options: Mapping[str, Any]) -> "PipelineConfig":
        """A copy with some options changed, each named as the field of its part.

        Raises:
            ConfigError: if an option is not known, or its value makes no sense.
        """
        changes: dict[str, Any] = {}
        own: dict[str, dict[str, Any]] = {}
        for name, value in options.items():
            part = _part_of(name)
            (own.setdefault(part, {}) if part else changes)[name] = value
        parts = {part: replace(getattr(self, part), **values) for part, values in own.items()}
        return replace(self, **changes, **parts)

    def option(self, name: str) -> Any:
        """The value of one option, whichever part it is in; ConfigError if there is none."""
        part = _part_of(name)
        return getattr(getattr(self, part) if part else self, name)


def option_names() -> set[str]:
    """Every option of every part."""
    return set(_PARTS)


def _part_of(option: str) -> str:
    """The part that has an option, "" for the configuration itself."""
    if option not in _PARTS:
        raise ConfigError(
            f"unknown option {option}: choose from {', '.join(sorted(option_names()))}"
        )
    return _PARTS[option]


# Each option's name, and the name of the part that it belongs to.
_PARTS: dict[str, str] = {}
for _entry in fields(PipelineConfig):
    if is_dataclass(_entry.default_factory):
        _PARTS |= {option.name: _entry.name for option in fields(_entry.default_factory)}
    else:
        _PARTS[_entry.name] = ""


PRESETS: dict[str, PipelineConfig] = {
    # The bundled corpus, gated on held-out songs: so little text that the network has to be kept
    # from learning it by heart.
    "lyrics": PipelineConfig().override(
        {
            "tie_weights": True,
            "dropout": 0.6,
            "variational_dropout": True,
            "optimizer": "adamw",
            "learning_rate": 4e-3,
            "weight_decay": 0.05,
            "label_smoothing": 0.2,
        }
    ),
    # The book's chapter: memory of the first 10,000 characters, nothing held out.
    "book": PipelineConfig().override(
        {
            "root": "runs/book",
            "max_characters": 10_000,
            "hold_out_policy": "none",
            "vocabulary_splits": "all",
            "newline": "space",
            # By heart from wherever it starts to read: with windows that begin at the same
            # characters each epoch, the network knows the text from there only.
            "sampling": "random",
            "random_offset": True,
            "context": 256,
            "embedding_size": 128,
            "learning_rate": 1e-2,
            "num_epochs": 40,
            "gate_split": features.TRAIN,
            "max_perplexity": 2.0,
        }
    ),
    # A whole run in half a minute, for tests.
    "smoke": PipelineConfig().override(
        {
            "root": "runs/smoke",
            "batch_size": 16,
            "num_steps": 16,
            "num_hiddens": 96,
            "embedding_size": 64,
            "dropout": 0.3,
            "learning_rate": 6e-3,
            "num_epochs": 2,
        }
    ),
}
