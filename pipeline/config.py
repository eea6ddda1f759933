"""What a pipeline is to do: one frozen value, checked on construction, and the presets."""

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from modules import contract, features
from modules.checks import FIRST, Option, Options, option, options_of
from modules.corpus.addresses import is_address
from modules.corpus.holdout import HoldOut
from modules.corpus.reader import CorpusOptions
from modules.errors import ConfigError
from modules.hyperparameters import Hyperparameters, TunerOptions
from modules.ngrams.options import NgramOptions
from modules.vocabulary.characters import VocabularyOptions
from modules.windows.windowing import WindowOptions
from pipeline.beam import BeamOptions

UNFINISHED = "unfinished"  # under a root: trainings that were cut off and may go on
_PUSHED_TO = ("s3://", "gs://")
BUNDLED_CORPUS = str(Path(__file__).resolve().parent.parent / "data" / "lyrics.zip")


@dataclass(frozen=True)
class GateOptions(Options, group="Gate"):
    """What a model must show to be pushed.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """

    gate_split: Literal["eval", "train"] = option(
        "eval", "Whose perplexity counts: of held-out text, or for memory of the training text."
    )
    # Finite, so that an infinite perplexity never passes.
    max_perplexity: float = option(1000.0, "Highest perplexity that passes.", low=1, high=1e12)
    must_beat: Literal["unigram", "ngram"] = option(
        "unigram", "Model whose perplexity has to be higher; ngram means both."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.must_beat == "ngram" and self.gate_split == features.TRAIN:
            raise ConfigError(
                "{must_beat} needs text that the n-gram model was not counted on, got "
                "{gate_split}: gate on 'eval', or beat the 'unigram' model",
                vars(self),
            )


@dataclass(frozen=True)
class PipelineConfig(Options):
    """The whole pipeline's configuration, a part for each stage.

    Raises:
        ConfigError: if a combination of options makes no sense.
    """

    data: str = option(
        BUNDLED_CORPUS,
        "Zip or folder of .txt files, or one of them: a path, an address (https://, s3://, gs://, "
        "minio://), a glob, or a span-{SPAN}/v{VERSION} pattern.",
        group=FIRST,
        shown="the bundled corpus",
        metavar="PATH",
    )
    root: str = option(
        "runs/lyrics",
        "Directory of everything that the pipeline writes.",
        group=FIRST,
        shown="runs/PRESET",
        metavar="DIR",
    )
    push_to: str = option(
        "",
        "Where versions are pushed: a directory, or an address of s3:// or gs://.",
        group=GateOptions.group,
        shown="ROOT/serving/lyrics",
        metavar="DIR",
    )
    mixture: bool = option(
        False,
        "Fit a mixture of network, n-gram and cache on the validation split, and report it.",
        group=NgramOptions.group,
    )
    corpus: CorpusOptions = field(default_factory=CorpusOptions)
    hold_out: HoldOut = field(default_factory=HoldOut)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    ngram: NgramOptions = field(default_factory=NgramOptions)
    windows: WindowOptions = field(default_factory=WindowOptions)
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    tuner: TunerOptions = field(default_factory=TunerOptions)
    gate: GateOptions = field(default_factory=GateOptions)
    beam: BeamOptions = field(default_factory=BeamOptions)

    def __post_init__(self) -> None:
        if not self.root or glob.has_magic(self.root):
            raise ConfigError(
                "{root} is no plain path: give the name of a directory without any of * ? [ in it",
                vars(self),
            )
        if is_address(self.push_to) and not self.push_to.startswith(_PUSHED_TO):
            raise ConfigError(
                "{push_to} is no place where TF Serving looks for versions: give a directory, or "
                f"one of {' and '.join(_PUSHED_TO)} (of MinIO too, with AWS_ENDPOINT_URL)",
                vars(self),
            )
        if self.gate.gate_split not in self.splits:
            raise ConfigError(
                "{gate_split} needs held-out text; {hold_out_policy} leaves none: hold some out, "
                "or gate on 'train'",
                self.options(),
            )
        if self.hyperparameters.task == "fill":
            self._check_fill()
        if self.mixture and features.VALIDATION not in self.splits:
            raise ConfigError(
                "{mixture} needs text to fit its weights on that no model was trained on; "
                "{validation_ratio} sets none aside: give a ratio such as 0.05, or no mixture",
                self.options(),
            )

    def _check_fill(self) -> None:
        """Refuses what only a model that reads from left to right can do."""
        if self.windows.sampling != "random":
            raise ConfigError(
                "{task} reads each window from both ends, so none continues another; got "
                "{sampling}: give {sampling:random}",
                self.options(),
            )
        if self.windows.num_steps < 2:
            raise ConfigError(
                "{task} predicts characters that have one on either side; got windows of 2, "
                "{num_steps}: give 2 steps or more",
                self.options(),
            )
        if self.mixture or self.gate.must_beat == "ngram":
            raise ConfigError(
                "{task} sees what comes after a character, which an n-gram model does not, so the "
                "two are no match; got {mixture} and {must_beat}: give neither, or "
                "{task:language}",
                self.options(),
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the corpus is cut into."""
        return self.hold_out.splits

    @property
    def serving_dir(self) -> str:
        """Where versions are pushed, and where a server looks for them."""
        return self.push_to or os.path.join(self.root, "serving", contract.MODEL_NAME)

    def here(self) -> "PipelineConfig":
        """A copy whose places on this machine are spelled in the one way that the cache knows.

        Raises:
            ConfigError: if the root is not on this machine.
        """
        if is_address(self.root):
            raise ConfigError(
                "{root} is not on this machine, on whose disk a run lives: give a local directory; "
                "on Kubeflow, give the pipeline's root where the pipeline is submitted",
                vars(self),
            )
        places = {"root": os.path.realpath(self.root)}
        if self.push_to and not is_address(self.push_to):
            places["push_to"] = os.path.realpath(self.push_to)
        if not is_address(self.data):
            folder, name = os.path.split(self.data)
            places["data"] = os.path.join(os.path.realpath(folder), name)  # its own name stays
        return self.override(places)

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

    def options(self) -> dict[str, Any]:
        """The values of all options, by name."""
        return {name: self.option(name) for name in _PARTS}


def _part_of(name: str) -> str:
    """The part that has an option, "" for the configuration itself."""
    if name not in _PARTS:
        raise ConfigError(f"unknown option {name}: choose from {', '.join(sorted(_PARTS))}")
    return _PARTS[name]


# Each option's name, and the name of the part that it belongs to.
_PARTS: dict[str, str] = {}
OPTIONS: list[Option] = []  # all of them, in the order of the stages
for _part, _owner in [
    ("", PipelineConfig),
    *((entry.name, entry.default_factory) for entry in fields(PipelineConfig)),
]:
    if isinstance(_owner, type) and issubclass(_owner, Options):
        OPTIONS += options_of(_owner)
        _PARTS |= {entry.name: _part for entry in options_of(_owner)}


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
