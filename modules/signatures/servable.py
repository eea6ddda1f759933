"""What every SavedModel answers to: `score` and `evaluate`.

Everything runs in the graph, from text to text; the vocabulary travels along as an asset.
"""

import math
from typing import Any, ClassVar

import tensorflow as tf

from modules import contract, features
from modules.evaluation.scoring import Scores, score_texts
from modules.network.model import Network
from modules.signatures import warmup_requests
from modules.signatures.requests import Tensors, check_texts, in_chunks, signature, specs
from modules.vocabulary.indices import UNKNOWN_ID, Vocabulary
from modules.windows.dataset import parse_scored_windows

# TFMA sends up to a thousand windows, whose logits together would be gigabytes.
_TALLIED_AT_A_TIME = 16

WARMUP_TEXT = "分开"  # the book's prefix


class Servable(tf.Module):
    """A trained model with its vocabulary and signatures, ready for `tf.saved_model.save`.

    Args:
        model: the model.
        vocabulary: what it was trained with.
        unigram: float32[vocab_size], log-probabilities of the training split's unigram
            model, against which `evaluate` compares.

    Attributes:
        signatures: names of its signatures, which are attributes too.
        tallied: dtypes of what `evaluate` puts out, by name.
        score: scores every character of each text, the first as what follows a line end. Of `text`
            string[B], it makes `nats`, `characters` and `perplexity`, [B] each, and of each
            character `log_probabilities` float32[B, n] and `ranks` int32[B, n], both filled up
            with 0.
        evaluate: sums what the Evaluator's `Perplexity` metric adds up, for each scored window.
    """

    signatures: tuple[str, ...] = (contract.SCORE, contract.EVALUATE)
    tallied: ClassVar[dict[str, tf.DType]] = {
        contract.NATS: tf.float32,
        contract.UNIGRAM_NATS: tf.float32,
        contract.UNIFORM_NATS: tf.float32,
        contract.CHARACTERS: tf.int64,
        contract.UNKNOWN_CHARACTERS: tf.string,
    }

    def __init__(self, model: Network, vocabulary: Vocabulary, unigram: tf.Tensor) -> None:
        super().__init__()
        # Keras saves copies of its variables, which the TF1 loader restores in place of those
        # that the functions read. So the variables themselves are tracked, and the model,
        # behind a function, is not.
        self._weights = [weight.value for weight in model.weights]
        self._model = lambda: model
        self._vocabulary = vocabulary
        self._unigram = tf.Variable(unigram, trainable=False, dtype=tf.float32, name="unigram")
        self.score = signature(
            self._score_texts,
            specs(contract.TEXT),
            lambda inputs: check_texts(contract.TEXT, inputs[contract.TEXT]),
        )
        self.evaluate = signature(self._evaluate, specs(contract.EXAMPLES), lambda _: [])

    def save(self, path: str) -> None:
        """Writes the SavedModel to the directory `path`, and what it is to be warmed up with."""
        tf.saved_model.save(self, path, {name: getattr(self, name) for name in self.signatures})
        warmup_requests.write_requests(path, self._warmup_requests())

    def _warmup_requests(self) -> list[tuple[str, dict[str, Any]]]:
        """Signatures and their inputs by name, for all that is asked of a server."""
        return [(contract.SCORE, {contract.TEXT: [WARMUP_TEXT]})]

    def sample(self, prefix: str) -> str:
        """What it makes of a text, to be shown while it is trained."""
        raise NotImplementedError

    def _score_texts(self, inputs: Tensors) -> Tensors:
        text = inputs[contract.TEXT]
        context = tf.zeros_like(text, dtype=tf.int64)
        scores = score_texts(self._model(), self._vocabulary, text, context)
        characters = scores.ids.row_lengths()
        return {
            contract.NATS: scores.nats,
            contract.CHARACTERS: characters,
            contract.PERPLEXITY: tf.exp(scores.nats / tf.cast(characters, tf.float32)),
            contract.LOG_PROBABILITIES: -scores.character_nats.to_tensor(),
            contract.RANKS: scores.ranks.to_tensor(),
        }

    def _evaluate(self, inputs: Tensors) -> Tensors:
        return in_chunks(self._tally, inputs[contract.EXAMPLES], _TALLIED_AT_A_TIME, self.tallied)

    def _likeliest(
        self, logits: tf.Tensor, top_k: tf.Tensor, never: tf.Tensor | int = UNKNOWN_ID
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest characters of N rows, and their probabilities.

        Neither `<unk>` nor `never` is one; the others share what these would have.

        Args:
            logits: float32[N, vocab_size].
            top_k: int32[N], how many are asked for.
            never: an index.

        Returns:
            string[N, k] and float32[N, k], "" and 0 where fewer were asked for or there are.
        """
        entries = tf.range(self._vocabulary.size, dtype=tf.int64)
        named = tf.boolean_mask(entries, (entries != UNKNOWN_ID) & (entries != never))
        probabilities = tf.nn.softmax(tf.gather(logits, named, axis=1))  # [N, named]
        k = tf.minimum(tf.reduce_max(top_k), tf.size(named))
        probabilities, ranked = tf.math.top_k(probabilities, k)  # [N, k]
        ids = tf.RaggedTensor.from_tensor(tf.reshape(tf.gather(named, ranked), [-1, 1]))
        characters = tf.reshape(self._vocabulary.decode(ids), tf.shape(ranked))  # [N, k]
        asked = tf.range(k) < top_k[:, None]  # [N, k]
        return tf.where(asked, characters, ""), tf.where(asked, probabilities, 0.0)

    def _score(self, windows: dict[str, tf.Tensor]) -> Scores:
        return score_texts(
            self._model(), self._vocabulary, windows[features.TEXT], windows[features.CONTEXT]
        )

    def _tally(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        windows = parse_scored_windows(examples)
        return self._sums(windows, self._score(windows))

    def _sums(self, windows: dict[str, tf.Tensor], scores: Scores) -> dict[str, tf.Tensor]:
        """Of each window, by the names in `tallied`."""
        unigram = tf.ragged.map_flat_values(lambda ids: -tf.gather(self._unigram, ids), scores.ids)
        unknown = tf.ragged.boolean_mask(scores.codes, scores.ids == UNKNOWN_ID)
        characters = scores.ids.row_lengths()
        uniform = tf.cast(characters, tf.float32) * math.log(self._vocabulary.size)
        return {
            contract.NATS: scores.nats,
            contract.UNIGRAM_NATS: tf.reduce_sum(unigram, axis=1),
            contract.UNIFORM_NATS: uniform,
            contract.CHARACTERS: characters,
            contract.UNKNOWN_CHARACTERS: tf.strings.unicode_encode(unknown, "UTF-8"),
        }
