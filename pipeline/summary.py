"""What a run came to."""

from dataclasses import dataclass

from modules import features
from modules.corpus.account import Account
from modules.evaluation.figures import NGRAM_RATIO
from modules.hyperparameters import Task
from serving.protocol.answers import Filled


@dataclass(frozen=True)
class Stage:
    """One node of the run.

    Attributes:
        name: the node's.
        seconds: it took; 0 if cached.
        cached: whether its outputs are those of an earlier run.
    """

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class Summary:
    """One run of the pipeline.

    Attributes:
        stages: in the order in which they ran.
        corpus: what became of it.
        vocab_size: entries of the vocabulary, `<unk>` included.
        splits: of each split's characters, the figures of `evaluation.figures` by name.
        gate_split: whose characters the gate looked at.
        blessed: whether the model passed the gate.
        reason: why, or why not.
        pushed_to: directory of the pushed version; None where nothing is pushed.
        version: its number; None where nothing is pushed.
        mixture_weights: of each model by name, where a mixture was fitted; else None.
        tuned: the hyperparameters that the Tuner found, by name; None where it was not asked.
        lyric: what the pushed version wrote over gRPC; None where it was not asked.
        task: what the model was trained to do; of one that fills in, perplexities are
            pseudo-perplexities.
        filled: what the pushed version filled in over gRPC; None where it was not asked.
        unanswered: why the pushed version answered nothing; None where it did or was not asked.
    """

    stages: list[Stage]
    corpus: Account
    vocab_size: int
    splits: dict[str, dict[str, float]]
    gate_split: str
    blessed: bool
    reason: str
    pushed_to: str | None
    version: int | None
    mixture_weights: dict[str, float] | None = None
    tuned: dict[str, float] | None = None
    lyric: str | None = None
    task: Task = "language"
    filled: Filled | None = None
    unanswered: str | None = None

    @property
    def memory_only(self) -> bool:
        """Whether the model was judged by the text that it was trained on."""
        return self.gate_split == features.TRAIN

    @property
    def ngram_wins(self) -> bool:
        """Whether the n-gram model alone knows held-out text better than the network."""
        figures = self.splits.get(features.EVAL, {})
        return figures.get(NGRAM_RATIO, 0) > 1

    @property
    def all_cached(self) -> bool:
        """Whether nothing at all had to be done."""
        return all(stage.cached for stage in self.stages)
