"""What the SavedModel answers to: `generate`, `score` and `evaluate`.

Everything runs in the graph, from text to text; the vocabulary travels along as an asset.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from modules import comparison, features, mixture
from modules.comparison import mix
from modules.dataset import parse_scored_windows
from modules.model import LanguageModel
from modules.ngram_options import NgramOptions
from modules.sampling import Request, generate
from modules.scoring import Scores, score_texts
from modules.vocabulary import UNKNOWN_ID, Vocabulary

# TFMA sends up to a thousand windows, whose logits together would be gigabytes.
_TALLIED_AT_A_TIME = 16
_TALLIED_DTYPES = {
    features.NATS: tf.float32,
    features.UNIGRAM_NATS: tf.float32,
    features.UNIFORM_NATS: tf.float32,
    features.CHARACTERS: tf.int64,
    features.UNKNOWN_CHARACTERS: tf.string,
    features.NGRAM_NATS: tf.float32,
    features.NGRAM_CACHE_NATS: tf.float32,
    features.MIXTURE_NATS: tf.float32,
}


def mixture_weights(path: str) -> dict[str, float] | None:
    """The weights in the SavedModel at `path`, by the parts' names; None if not fitted."""
    key = "mixture_weights/.ATTRIBUTES/VARIABLE_VALUE"
    weights = tf.train.load_variable(f"{path}/variables/variables", key).tolist()
    named = dict(zip(mixture.PARTS, weights, strict=True))
    return None if any(map(math.isnan, weights)) else named


def _row(dtype: tf.DType, name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], dtype, name)


def _refuse_unless(condition: tf.Tensor, sentence: str) -> tf.Operation:
    """Fails with INVALID_ARGUMENT and a sentence for the client where anything is false."""
    return tf.debugging.Assert(tf.reduce_all(condition), [sentence])


def _check_texts(name: str, texts: tf.Tensor) -> list[tf.Operation]:
    lengths = tf.strings.length(texts, unit="UTF8_CHAR")
    return [
        _refuse_unless(tf.size(texts) > 0, f"{name} is empty: send one text or more"),
        _refuse_unless(lengths > 0, f"{name} has a text without characters: send one or more"),
        _refuse_unless(
            lengths <= features.MAX_CHARS,
            f"{name} is too long: send {features.MAX_CHARS} characters at most",
        ),
    ]


def _in_chunks(
    function: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    rows: tf.Tensor,
    size: int,
    dtypes: dict[str, tf.DType],
) -> dict[str, tf.Tensor]:
    """What `function` makes of the rows, one row for each, though it gets `size` at a time."""
    num_chunks = -(-tf.size(rows) // size)
    arrays = {
        name: tf.TensorArray(dtype, num_chunks, infer_shape=False, element_shape=[None])
        for name, dtype in dtypes.items()
    }

    def next_chunk(chunk: tf.Tensor, arrays: dict) -> tuple[tf.Tensor, dict]:
        made = function(rows[chunk * size : (chunk + 1) * size])
        return chunk + 1, {name: array.write(chunk, made[name]) for name, array in arrays.items()}

    _, arrays = tf.while_loop(
        lambda chunk, _: chunk < num_chunks, next_chunk, (0, arrays), parallel_iterations=1
    )
    return {name: array.concat() for name, array in arrays.items()}


class ServableModel(tf.Module):
    """A trained model with its vocabulary and signatures, ready for `tf.saved_model.save`.

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        unigram: float32[vocab_size], log-probabilities of the training split's unigram
            model, against which `evaluate` compares.
        cache_weight: the cache's part in the n-gram model with its cache.

    Attributes:
        mixture_weights: float32[3], of the network, the n-gram model and the cache in their
            mixture; NaN until they are fitted.
    """

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        unigram: tf.Tensor,
        cache_weight: float = NgramOptions.cache_weight,
    ) -> None:
        super().__init__()
        # Keras saves copies of its variables, which the TF1 loader restores in place of those
        # that the functions read. So the variables themselves are tracked, and the model,
        # behind a function, is not.
        self._weights = [weight.value for weight in model.weights]
        self._model = lambda: model
        self._vocabulary = vocabulary
        self._unigram = tf.Variable(unigram, trainable=False, dtype=tf.float32, name="unigram")
        self._cache_weight = cache_weight
        self.mixture_weights = tf.Variable(
            [math.nan] * len(mixture.PARTS), trainable=False, name="mixture_weights"
        )

    def save(self, path: str) -> None:
        """Writes the SavedModel to the directory `path`."""
        signatures = {
            features.GENERATE: self.generate,
            features.SCORE: self.score,
            features.EVALUATE: self.evaluate,
        }
        tf.saved_model.save(self, path, signatures)

    @tf.function(
        input_signature=[
            _row(tf.string, features.PREFIX),
            _row(tf.int32, features.NUM_CHARS),
            _row(tf.float32, features.TEMPERATURE),
            _row(tf.int32, features.TOP_K),
            _row(tf.int64, features.SEED),
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
        checks = [
            *_check_texts(features.PREFIX, prefix),
            _refuse_unless(num_chars >= 0, "num_chars is negative: send 0 or more"),
            _refuse_unless(
                num_chars <= features.MAX_CHARS,
                f"num_chars is too large: send {features.MAX_CHARS} at most",
            ),
            _refuse_unless(top_k >= 0, "top_k is negative: 0 draws from all"),
            # Asked this way round, NaN is refused too.
            _refuse_unless(temperature >= 0, "temperature is negative: 0 is greedy"),
        ]
        values = {
            features.NUM_CHARS: num_chars,
            features.TEMPERATURE: temperature,
            features.TOP_K: top_k,
            features.SEED: seed,
        }
        for name, value in values.items():
            sentence = f"{name} needs one value for each {features.PREFIX}"
            checks.append(_refuse_unless(tf.size(value) == tf.size(prefix), sentence))
        with tf.control_dependencies(checks):
            # Only what is made here waits for the checks.
            prefix, num_chars, seed = map(tf.identity, (prefix, num_chars, seed))
        ids = self._vocabulary.encode(prefix)  # [B, (n)]
        written = generate(self._model(), Request(ids, num_chars, temperature, top_k, seed))
        return {features.TEXT: prefix + self._vocabulary.decode(written)}

    @tf.function(input_signature=[_row(tf.string, features.TEXT)])
    def score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores every character of each text, the first as what follows a line end."""
        with tf.control_dependencies(_check_texts(features.TEXT, text)):
            text = tf.identity(text)
        context = tf.zeros_like(text, dtype=tf.int64)
        scores = score_texts(self._model(), self._vocabulary, text, context)
        characters = scores.ids.row_lengths()
        return {
            features.NATS: scores.nats,
            features.CHARACTERS: characters,
            features.PERPLEXITY: tf.exp(scores.nats / tf.cast(characters, tf.float32)),
        }

    @tf.function(input_signature=[_row(tf.string, features.EXAMPLES)])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Sums what the Evaluator's `Perplexity` metric adds up, for each scored window."""
        return _in_chunks(self._tally, examples, _TALLIED_AT_A_TIME, _TALLIED_DTYPES)

    def log_probabilities(self, examples: tf.Tensor) -> tf.Tensor:
        """Of the characters of scored windows, as `comparison.log_probabilities` returns them."""
        windows = parse_scored_windows(examples)
        return comparison.log_probabilities(self._score(windows), windows)

    def _score(self, windows: dict[str, tf.Tensor]) -> Scores:
        return score_texts(
            self._model(), self._vocabulary, windows[features.TEXT], windows[features.CONTEXT]
        )

    def _tally(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        windows = parse_scored_windows(examples)
        scores = self._score(windows)
        parts = comparison.log_probabilities(scores, windows)  # [characters, 3]
        ngram_and_cache = tf.constant([1 - self._cache_weight, self._cache_weight])

        def nats_of_windows(log_probabilities: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(-scores.ids.with_flat_values(log_probabilities), axis=1)  # [B]

        unigram = tf.ragged.map_flat_values(lambda ids: -tf.gather(self._unigram, ids), scores.ids)
        unknown = tf.ragged.boolean_mask(scores.codes, scores.ids == UNKNOWN_ID)
        characters = scores.ids.row_lengths()
        uniform = tf.cast(characters, tf.float32) * math.log(self._vocabulary.size)
        return {
            features.NATS: scores.nats,
            features.UNIGRAM_NATS: tf.reduce_sum(unigram, axis=1),
            features.UNIFORM_NATS: uniform,
            features.CHARACTERS: characters,
            features.UNKNOWN_CHARACTERS: tf.strings.unicode_encode(unknown, "UTF-8"),
            features.NGRAM_NATS: nats_of_windows(parts[:, 1]),
            features.NGRAM_CACHE_NATS: nats_of_windows(mix(parts[:, 1:], ngram_and_cache)),
            features.MIXTURE_NATS: nats_of_windows(mix(parts, self.mixture_weights)),
        }
