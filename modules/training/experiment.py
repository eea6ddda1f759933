"""What every training of an execution has in common: its text, its vocabulary, its figures."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.v1.components import FnArgs

from modules import features
from modules.evaluation.perplexity import Tally
from modules.evaluation.scoring import unigram_log_probabilities
from modules.hyperparameters import NGRAM, WINDOWS, WORK_DIR, Hyperparameters
from modules.network.model import Model
from modules.ngrams.options import NgramOptions
from modules.training.halves import divide_processors
from modules.training.loop import Data, Training
from modules.training.precision import check_precision, cpu_flags
from modules.vocabulary.characters import VOCABULARY, VocabularyOptions
from modules.vocabulary.indices import VOCABULARY_NAME, Vocabulary
from modules.windows import dataset
from modules.windows.windowing import WindowOptions

_SCORING_BATCH = 64  # windows


class Candidate(Protocol):
    """A model, with what says how good it is."""

    @property
    def model(self) -> Model:
        """What is trained."""

    def evaluate(self, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """Of each scored window in string[B], what a Tally adds up."""

    def sample(self, prefix: str) -> str:
        """A text to be shown on the way."""


AnyCandidate = TypeVar("AnyCandidate", bound=Candidate)
# Of hyperparameters, the vocabulary, the unigram model's log-probabilities and the cache's weight.
Make = Callable[[Hyperparameters, Vocabulary, np.ndarray, float], AnyCandidate]


class Experiment(Generic[AnyCandidate]):
    """What an execution was given, read once for all the models that it trains.

    Which epoch's weights are kept is decided on the split `validation` where there is one,
    else on `eval`, else on the training text.

    Args:
        fn_args: what TFX hands over. `train_files` are the training windows, `eval_files` the
            scored windows of all splits. `custom_config` holds the fields of
            `VocabularyOptions`, `WindowOptions` and `NgramOptions` under `vocabulary`,
            `windows` and `ngram`, and under `work_dir` where unfinished trainings are kept.
        make: makes a new model.

    Attributes:
        scored: of each split, batches of its scored windows, string[B] each.
        work_dir: where this very execution keeps its checkpoints: same data and options, same
            place. TFX gives every execution a new output directory, so a killed run's
            checkpoints would not be found there.
    """

    def __init__(self, fn_args: FnArgs, make: Make[AnyCandidate]) -> None:
        divide_processors()  # on Kubeflow it is first here that TensorFlow computes anything
        self._make = make
        config = fn_args.custom_config
        transform = tft.TFTransformOutput(fn_args.transform_graph_path)
        self._vocabulary = Vocabulary(
            str(transform.vocabulary_file_by_name(VOCABULARY_NAME)),
            VocabularyOptions(**config[VOCABULARY]).newline,
        )
        self._cache_weight = NgramOptions(**config[NGRAM]).cache_weight
        self._data = Data(fn_args.train_files, WindowOptions(**config[WINDOWS]))
        self.scored = {
            split: dataset.scored_batches(fn_args.eval_files, split, _SCORING_BATCH)
            for split in features.SPLITS
        }
        self._unigram = unigram_log_probabilities(self.scored[features.TRAIN], self._vocabulary)
        self._decisive = self._decisive_split()
        self._held_out = self.scored[self._decisive] if self._decisive else None
        self.work_dir = os.path.join(config[WORK_DIR], _identity(fn_args))

    def _decisive_split(self) -> str | None:
        for split in (features.VALIDATION, features.EVAL):
            if any(True for _ in self.scored[split].take(1)):
                return split
        return None

    def prepare(
        self, hyperparameters: Hyperparameters, work_dir: str
    ) -> tuple[AnyCandidate, Training]:
        """A new model, and its training, which keeps its checkpoints in `work_dir`.

        Raises:
            TrainingError: if this machine cannot train in the precision asked for.
        """
        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        check_precision(hyperparameters.precision, cpu_flags(), has_gpu)
        keras.utils.set_random_seed(hyperparameters.seed)
        tf.config.experimental.enable_op_determinism()
        candidate = self._make(hyperparameters, self._vocabulary, self._unigram, self._cache_weight)
        held_out = self._held_out
        training = Training(
            candidate.model,
            self._data,
            hyperparameters,
            held_out_perplexity=(lambda: tally(candidate.evaluate, held_out).perplexity)
            if held_out
            else None,
            sample=candidate.sample,
            work_dir=work_dir,
            held_out_name=features.SPLITS[self._decisive or features.EVAL],
        )
        return candidate, training


def _identity(fn_args: FnArgs) -> str:
    """A name for what an execution was given, so far as its outcome depends on it."""
    given = [
        fn_args.train_files,
        fn_args.transform_graph_path,
        fn_args.custom_config,
        fn_args.hyperparameters,
    ]
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]


def tally(
    evaluate: Callable[[tf.Tensor], Mapping[str, tf.Tensor]], batches: tf.data.Dataset
) -> Tally:
    """Adds up the windows in `batches`, string[B] each; see `Candidate.evaluate`."""
    result = Tally()
    for batch in batches:
        outputs = evaluate(batch)
        for row in zip(*(values.numpy() for values in outputs.values()), strict=True):
            result.add(dict(zip(outputs, row, strict=True)))
    return result
