"""What a fill-in model is served as: `fill`, beside `score` and `evaluate`."""

import tensorflow as tf

from modules import contract
from modules.contract import blank_out
from modules.network.model import Network
from modules.signatures import warmup_requests
from modules.signatures.requests import (
    Tensors,
    check_blanks,
    specs,
)
from modules.signatures.servable import Servable
from modules.vocabulary.indices import UNKNOWN_ID, Vocabulary


class ServableFillModel(Servable):
    """A trained fill-in model, ready for `tf.saved_model.save`.

    Its perplexity, in `score` and `evaluate`, is the pseudo-perplexity: of each character given
    all others (`scoring.score_texts`). It cannot be compared with a language model's.

    Attributes:
        fill: the signature: says what is missing where a text has a blank. Texts are read between
            line ends, and their blanks as characters that are not known. Of `text` string[B] and
            `top_k` int32[B], it makes `candidates` string[B, blanks, k], the likeliest first;
            `probabilities` float32[B, blanks, k], of all characters that can be named, which add
            up to 1; both filled up with "" and 0, to as many blanks and candidates as any row
            has; and `text` string[B], every blank replaced by its likeliest candidate.
    """

    signatures: tuple[str, ...] = (
        contract.FILL,
        contract.SERVING_DEFAULT,
        *Servable.signatures,
    )

    def __init__(self, model: Network, vocabulary: Vocabulary, unigram: tf.Tensor) -> None:
        super().__init__(model, vocabulary, unigram)
        self.fill = self._signature(
            self._fill,
            specs(contract.TEXT, contract.TOP_K),
            check_blanks,
            defaults={contract.TOP_K: contract.DEFAULT_CANDIDATES},
        )
        self.serving_default = self.fill

    def sample(self, prefix: str) -> str:
        """A text with a blank, and how it is filled."""
        text = blank_out(prefix)
        answer = self.fill(text=tf.constant([text]), top_k=tf.constant([1]))
        return f"{text} → {answer[contract.TEXT].numpy()[0].decode()}"

    def _warmup_requests(self) -> list[warmup_requests.Request]:
        """See base class."""
        return warmup_requests.of_fill_model()

    def _fill(self, inputs: Tensors) -> Tensors:
        text, top_k = inputs[contract.TEXT], inputs[contract.TOP_K]
        characters = tf.strings.unicode_split(text, "UTF-8")  # [B, (n)]
        is_blank = characters.flat_values == contract.BLANK  # [characters]
        blanks = characters.with_flat_values(is_blank)
        counts = tf.reduce_sum(tf.cast(blanks, tf.int64), axis=1)  # [B]
        units = self._units_of(text, blanks)  # [all blanks, num_units]
        candidates, probabilities = self._rank(units, tf.repeat(top_k, counts))
        filled = tf.tensor_scatter_nd_update(
            characters.flat_values, tf.where(is_blank), candidates[:, 0]
        )
        return {
            contract.CANDIDATES: tf.RaggedTensor.from_row_lengths(candidates, counts).to_tensor(),
            contract.PROBABILITIES: tf.RaggedTensor.from_row_lengths(
                probabilities, counts
            ).to_tensor(),
            contract.TEXT: tf.strings.reduce_join(characters.with_flat_values(filled), axis=1),
            contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(
                tf.strings.regex_replace(text, contract.BLANK, "")
            ),
        }

    def _units_of(self, text: tf.Tensor, blanks: tf.RaggedTensor) -> tf.Tensor:
        """What the blanks, bool[B, (n)], are predicted from, one after the other."""
        ids = self._vocabulary.encode(text)  # [B, (n)]
        read = tf.where(blanks.flat_values, tf.constant(UNKNOWN_ID, tf.int64), ids.flat_values)
        units = self.model.read_texts(
            ids.with_flat_values(read), self._vocabulary.line_end_id()
        )  # [B, n, num_units]
        return tf.boolean_mask(units, blanks.to_tensor())

    def _rank(self, units: tf.Tensor, top_k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `_likeliest`; the blank is no candidate either."""
        blank_id = self._vocabulary.encode(tf.constant([contract.BLANK])).flat_values[0]
        return self._likeliest(units, top_k, never=blank_id)
