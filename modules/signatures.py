"""What the SavedModel answers to: `generate`, `score` and `evaluate`.

Everything runs in the graph, from text to text; the vocabulary travels along as an asset.
"""

import math

import tensorflow as tf

from modules import features
from modules.dataset import parse_scored_windows
from modules.model import LanguageModel
from modules.sampling import Request, generate
from modules.scoring import score_texts
from modules.vocabulary import UNKNOWN_ID, Vocabulary


def _row(dtype: tf.DType, name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], dtype, name)


def _texts_are_there(name: str, texts: tf.Tensor) -> list[tf.Operation | None]:
    """Assertions with a sentence for the client: one text or more, each of a character or more."""
    return [
        tf.debugging.assert_greater(tf.size(texts), 0, f"{name} is empty: send one text or more"),
        tf.debugging.assert_greater(
            tf.strings.length(texts), 0, f"{name} has a text without characters: send one or more"
        ),
    ]


class ServableModel(tf.Module):
    """A trained model with its vocabulary and signatures, ready for `tf.saved_model.save`.

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        unigram: float32[vocab_size], log-probabilities of the training split's unigram
            model, against which `evaluate` compares.
    """

    def __init__(self, model: LanguageModel, vocabulary: Vocabulary, unigram: tf.Tensor) -> None:
        super().__init__()
        # Keras saves copies of its variables, which the TF1 loader restores in place of those
        # that the functions read. So the variables themselves are tracked, and the model,
        # behind a function, is not.
        self._weights = [weight.value for weight in model.weights]
        self._model = lambda: model
        self._vocabulary = vocabulary
        self._unigram = tf.Variable(unigram, trainable=False, name="unigram")

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
            *_texts_are_there("prefix", prefix),
            tf.debugging.assert_non_negative(num_chars, "num_chars is negative: send 0 or more"),
            tf.debugging.assert_non_negative(top_k, "top_k is negative: 0 draws from all"),
            # Asked this way round, NaN is refused too.
            tf.debugging.Assert(
                tf.reduce_all(temperature >= 0), ["temperature is negative: 0 is greedy"]
            ),
        ]
        with tf.control_dependencies(checks):
            ids = self._vocabulary.encode(prefix)  # [B, (n)]
        written = generate(self._model(), Request(ids, num_chars, temperature, top_k, seed))
        return {features.TEXT: prefix + self._vocabulary.decode(written)}

    @tf.function(input_signature=[_row(tf.string, features.TEXT)])
    def score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores every character of each text, the first as what follows a line end."""
        with tf.control_dependencies(_texts_are_there("text", text)):
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
        windows = parse_scored_windows(examples)
        scores = score_texts(
            self._model(), self._vocabulary, windows[features.TEXT], windows[features.CONTEXT]
        )
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
        }
