"""What a language model is served as: what it writes, beside `score` and `evaluate`."""

import math
from typing import ClassVar

import tensorflow as tf

from modules import contract
from modules.evaluation import comparison
from modules.evaluation.comparison import mix
from modules.evaluation.scoring import Scores
from modules.network.model import LanguageModel
from modules.ngrams import mixture
from modules.ngrams.options import NgramOptions
from modules.signatures.servable import Servable
from modules.signatures.writing import ServableWriter
from modules.vocabulary.indices import Vocabulary
from modules.windows.dataset import parse_scored_windows


def mixture_weights(path: str) -> dict[str, float] | None:
    """The weights in the SavedModel at `path`, by the parts' names; None if not fitted."""
    key = "mixture_weights/.ATTRIBUTES/VARIABLE_VALUE"
    weights = tf.train.load_variable(f"{path}/variables/variables", key).tolist()
    named = dict(zip(mixture.PARTS, weights, strict=True))
    return None if any(map(math.isnan, weights)) else named


class ServableModel(ServableWriter):
    """A trained language model, ready for `tf.saved_model.save`.

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        unigram: see `Servable`.
        cache_weight: the cache's part in the n-gram model with its cache.
        xla: see `ServableWriter`.

    Attributes:
        mixture_weights: float32[3], of the network, the n-gram model and the cache in their
            mixture; NaN until they are fitted.
    """

    tallied: ClassVar[dict[str, tf.DType]] = Servable.tallied | {
        contract.NGRAM_NATS: tf.float32,
        contract.NGRAM_CACHE_NATS: tf.float32,
        contract.MIXTURE_NATS: tf.float32,
    }

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        unigram: tf.Tensor,
        cache_weight: float = NgramOptions.cache_weight,
        xla: bool = False,
    ) -> None:
        super().__init__(model, vocabulary, unigram, xla)
        self._cache_weight = cache_weight
        self.mixture_weights = tf.Variable(
            [math.nan] * len(mixture.PARTS), trainable=False, name="mixture_weights"
        )

    def log_probabilities(self, examples: tf.Tensor) -> tf.Tensor:
        """Of the characters of scored windows, as `comparison.log_probabilities` returns them."""
        windows = parse_scored_windows(examples)
        return comparison.log_probabilities(self._score(windows), windows)

    def _sums(self, windows: dict[str, tf.Tensor], scores: Scores) -> dict[str, tf.Tensor]:
        """See base class."""
        parts = comparison.log_probabilities(scores, windows)  # [characters, 3]
        ngram_and_cache = tf.constant([1 - self._cache_weight, self._cache_weight])

        def nats_of_windows(log_probabilities: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(-scores.ids.with_flat_values(log_probabilities), axis=1)  # [B]

        return super()._sums(windows, scores) | {
            contract.NGRAM_NATS: nats_of_windows(parts[:, 1]),
            contract.NGRAM_CACHE_NATS: nats_of_windows(mix(parts[:, 1:], ngram_and_cache)),
            contract.MIXTURE_NATS: nats_of_windows(mix(parts, self.mixture_weights)),
        }
