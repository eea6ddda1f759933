"""What every SavedModel answers to: `score` and `evaluate`.

Everything runs in the graph, from text to text; the vocabulary travels along as an asset.
"""

import math
from functools import partial
from typing import ClassVar

import tensorflow as tf

from modules import contract, features
from modules.evaluation.chunks import PREDICTED_AT_A_TIME, in_chunks
from modules.evaluation.figures import outputs
from modules.evaluation.scoring import Scores, score_texts
from modules.network.model import Network
from modules.signatures import warmup_requests
from modules.signatures.requests import Tensors, check_text, signature, specs
from modules.vocabulary.indices import UNKNOWN_ID, Vocabulary
from modules.windows.dataset import parse_scored_windows

# TFMA sends up to a thousand windows, whose hidden units together would take gigabytes.
_TALLIED_AT_A_TIME = 64


class Servable(tf.Module):
    """A trained model with its vocabulary and signatures, ready for `tf.saved_model.save`.

    Args:
        model: the model.
        vocabulary: what it was trained with.
        unigram: float32[vocab_size], log-probabilities of the training split's unigram
            model, against which `evaluate` compares.

    Attributes:
        signatures: names of its signatures, which are attributes too.
        mixes: whether `evaluate` puts out the figures that are mixtures too.
        score: scores every character of each text, the first as what follows a line end. Of `text`
            string[B], it makes `nats`, `characters` and `perplexity`, [B] each, and of each
            character `log_probabilities` float32[B, n] and `ranks` int32[B, n], both filled up
            with 0.
        evaluate: sums what the Evaluator's `Perplexity` metric adds up, for each scored window.
    """

    signatures: tuple[str, ...] = (contract.SCORE, contract.EVALUATE)
    mixes: ClassVar[bool] = False

    def __init__(self, model: Network, vocabulary: Vocabulary, unigram: tf.Tensor) -> None:
        super().__init__()
        # Keras saves copies of its variables, which the TF1 loader restores in place of those
        # that the functions read. So the variables themselves are tracked, and the model,
        # behind a function, is not.
        self._weights = [weight.value for weight in model.weights]
        self._model = lambda: model
        self._vocabulary = vocabulary
        self._unigram = tf.Variable(unigram, trainable=False, dtype=tf.float32, name="unigram")
        self._signature = partial(signature, normalise=vocabulary.normalise)
        self.score = self._signature(self._score_texts, specs(contract.TEXT), check_text)
        self.evaluate = signature(self._evaluate, specs(contract.EXAMPLES))

    @property
    def model(self) -> Network:
        """The model."""
        return self._model()

    def save(self, path: str) -> None:
        """Writes the SavedModel to the directory `path`, and what it is to be warmed up with."""
        tf.saved_model.save(self, path, {name: getattr(self, name) for name in self.signatures})
        warmup_requests.write(path, self._warmup_requests())

    def _warmup_requests(self) -> list[warmup_requests.Request]:
        """For all that is asked of a server."""
        raise NotImplementedError

    def sample(self, prefix: str) -> str:
        """What it makes of a text, to be shown while it is trained."""
        raise NotImplementedError

    def _score_texts(self, inputs: Tensors) -> Tensors:
        text = inputs[contract.TEXT]
        context = tf.zeros_like(text, dtype=tf.int64)
        scores = self._score({features.TEXT: text, features.CONTEXT: context}, ranked=True)
        assert scores.ranks is not None
        characters = scores.ids.row_lengths()
        return {
            contract.NATS: scores.nats,
            contract.CHARACTERS: characters,
            contract.PERPLEXITY: tf.exp(scores.nats / tf.cast(characters, tf.float32)),
            contract.LOG_PROBABILITIES: -scores.character_nats.to_tensor(),
            contract.RANKS: scores.ranks.to_tensor(),
            contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(text),
        }

    def _evaluate(self, inputs: Tensors) -> Tensors:
        dtypes = {
            **dict.fromkeys(outputs(mixtures=self.mixes), tf.float32),
            contract.CHARACTERS: tf.int64,
            contract.UNKNOWN_CHARACTERS: tf.string,
        }
        tallies = {name: tf.TensorSpec([None], dtype) for name, dtype in dtypes.items()}
        examples = inputs[contract.EXAMPLES]
        return in_chunks(self._tally, examples, size=_TALLIED_AT_A_TIME, specs=tallies)

    def _likeliest(
        self, units: tf.Tensor, top_k: tf.Tensor, never: tf.Tensor | int = UNKNOWN_ID
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest characters of N rows, and their probabilities.

        Neither `<unk>` nor `never` is one; the others share what these would have.

        Args:
            units: float32[N, num_units], hidden units that a character is predicted from.
            top_k: int32[N], how many are asked for.
            never: an index.

        Returns:
            string[N, k] and float32[N, k], "" and 0 where fewer were asked for or there are.
        """
        entries = tf.range(self._vocabulary.size, dtype=tf.int64)
        named = tf.boolean_mask(entries, (entries != UNKNOWN_ID) & (entries != never))
        k = tf.minimum(tf.reduce_max(top_k), tf.size(named))

        def rank(units: tf.Tensor, top_k: tf.Tensor) -> Tensors:
            logits = tf.gather(self.model.output(units), named, axis=1)  # [n, named]
            probabilities, ranked = tf.math.top_k(tf.nn.softmax(logits), k)  # [n, k]
            ids = tf.RaggedTensor.from_tensor(tf.reshape(tf.gather(named, ranked), [-1, 1]))
            characters = tf.reshape(self._vocabulary.decode(ids), tf.shape(ranked))  # [n, k]
            asked = tf.range(k) < top_k[:, None]  # [n, k]
            return {
                contract.CANDIDATES: tf.where(asked, characters, ""),
                contract.PROBABILITIES: tf.where(asked, probabilities, 0.0),
            }

        specs = {
            contract.CANDIDATES: tf.TensorSpec([None, None], tf.string),
            contract.PROBABILITIES: tf.TensorSpec([None, None], tf.float32),
        }
        ranked = in_chunks(rank, units, top_k, size=PREDICTED_AT_A_TIME, specs=specs)
        return ranked[contract.CANDIDATES], ranked[contract.PROBABILITIES]

    def _score(self, windows: Tensors, ranked: bool = False) -> Scores:
        texts, context = windows[features.TEXT], windows[features.CONTEXT]
        return score_texts(self.model, self._vocabulary, texts, context, ranked)

    def _tally(self, examples: tf.Tensor) -> Tensors:
        """The outputs of `evaluate`, of windows that are few enough to be scored at once."""
        windows = parse_scored_windows(examples)
        scores = self._score(windows)
        unigram = tf.ragged.map_flat_values(lambda ids: -tf.gather(self._unigram, ids), scores.ids)
        is_unknown = scores.ids.flat_values == UNKNOWN_ID  # [sum of n]
        unknown_counts = tf.reduce_sum(
            scores.ids.with_flat_values(tf.cast(is_unknown, tf.int64)), axis=1
        )  # [B]
        unknown = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(scores.codes.flat_values, is_unknown), unknown_counts
        )
        characters = scores.ids.row_lengths()
        uniform = tf.cast(characters, tf.float32) * math.log(self._vocabulary.size)
        return {
            contract.NATS: scores.nats,
            contract.UNIGRAM_NATS: tf.reduce_sum(unigram, axis=1),
            contract.UNIFORM_NATS: uniform,
            contract.CHARACTERS: characters,
            contract.UNKNOWN_CHARACTERS: tf.strings.unicode_encode(unknown, "UTF-8"),
        } | self._mixtures(windows, scores)

    def _mixtures(self, windows: Tensors, scores: Scores) -> Tensors:
        """Of each window, the nats of figures that are mixtures, where it `mixes`."""
        return {}
