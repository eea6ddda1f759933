"""What a language model is served as: `generate`, beside `score` and `evaluate`."""

import math
from typing import ClassVar

import tensorflow as tf

from modules import comparison, features, mixture
from modules.comparison import mix
from modules.dataset import parse_scored_windows
from modules.model import LanguageModel
from modules.ngram_options import NgramOptions
from modules.requests import check_rows, check_texts, refuse_unless, row
from modules.sampling import Request, generate
from modules.scoring import Scores
from modules.servable import Servable
from modules.vocabulary import Vocabulary

_SAMPLE_CHARS = 50  # as many as the book prints


def mixture_weights(path: str) -> dict[str, float] | None:
    """The weights in the SavedModel at `path`, by the parts' names; None if not fitted."""
    key = "mixture_weights/.ATTRIBUTES/VARIABLE_VALUE"
    weights = tf.train.load_variable(f"{path}/variables/variables", key).tolist()
    named = dict(zip(mixture.PARTS, weights, strict=True))
    return None if any(map(math.isnan, weights)) else named


class ServableModel(Servable):
    """A trained language model, ready for `tf.saved_model.save`.

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        unigram: see `Servable`.
        cache_weight: the cache's part in the n-gram model with its cache.

    Attributes:
        mixture_weights: float32[3], of the network, the n-gram model and the cache in their
            mixture; NaN until they are fitted.
    """

    signatures: ClassVar[tuple[str, ...]] = (features.GENERATE, *Servable.signatures)
    tallied: ClassVar[dict[str, tf.DType]] = Servable.tallied | {
        features.NGRAM_NATS: tf.float32,
        features.NGRAM_CACHE_NATS: tf.float32,
        features.MIXTURE_NATS: tf.float32,
    }

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        unigram: tf.Tensor,
        cache_weight: float = NgramOptions.cache_weight,
    ) -> None:
        super().__init__(model, vocabulary, unigram)
        self._cache_weight = cache_weight
        self.mixture_weights = tf.Variable(
            [math.nan] * len(mixture.PARTS), trainable=False, name="mixture_weights"
        )

    def sample(self, prefix: str) -> str:
        """The likeliest text after `prefix`."""
        answer = self.generate(
            prefix=tf.constant([prefix]),
            num_chars=tf.constant([_SAMPLE_CHARS]),
            temperature=tf.constant([0.0]),
            top_k=tf.constant([0]),
            seed=tf.constant([0], tf.int64),
        )
        return answer[features.TEXT].numpy()[0].decode()

    @tf.function(
        input_signature=[
            row(tf.string, features.PREFIX),
            row(tf.int32, features.NUM_CHARS),
            row(tf.float32, features.TEMPERATURE),
            row(tf.int32, features.TOP_K),
            row(tf.int64, features.SEED),
        ]
    )
    def generate(
        self,
        prefix: tf.Tensor,
        num_chars: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        seed: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Writes on from each prefix; `text` string[B] is the prefix and what follows it."""
        inputs = {
            features.PREFIX: prefix,
            features.NUM_CHARS: num_chars,
            features.TEMPERATURE: temperature,
            features.TOP_K: top_k,
            features.SEED: seed,
        }
        checks = [
            *check_texts(features.PREFIX, prefix),
            *check_rows(features.PREFIX, inputs),
            refuse_unless(num_chars >= 0, "num_chars is negative: send 0 or more"),
            refuse_unless(
                num_chars <= features.MAX_CHARS,
                f"num_chars is too large: send {features.MAX_CHARS} at most",
            ),
            refuse_unless(top_k >= 0, "top_k is negative: 0 draws from all"),
            # Asked this way round, NaN is refused too.
            refuse_unless(temperature >= 0, "temperature is negative: 0 is greedy"),
        ]
        with tf.control_dependencies(checks):
            # Only what is made here waits for the checks.
            prefix, num_chars, seed = map(tf.identity, (prefix, num_chars, seed))
        ids = self._vocabulary.encode(prefix)  # [B, (n)]
        written = generate(self._model(), Request(ids, num_chars, temperature, top_k, seed))
        return {features.TEXT: prefix + self._vocabulary.decode(written)}

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
            features.NGRAM_NATS: nats_of_windows(parts[:, 1]),
            features.NGRAM_CACHE_NATS: nats_of_windows(mix(parts[:, 1:], ngram_and_cache)),
            features.MIXTURE_NATS: nats_of_windows(mix(parts, self.mixture_weights)),
        }
