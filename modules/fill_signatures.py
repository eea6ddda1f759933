"""What a fill-in model is served as: `fill`, beside `score` and `evaluate`."""

from typing import ClassVar

import tensorflow as tf

from modules import features
from modules.blanks import blank_out
from modules.requests import check_rows, check_texts, refuse_unless, row
from modules.servable import Servable
from modules.vocabulary import UNKNOWN_ID


class ServableFillModel(Servable):
    """A trained fill-in model, ready for `tf.saved_model.save`.

    Its perplexity, in `score` and `evaluate`, is the pseudo-perplexity: of each character given
    all others (`scoring.score_texts`). It cannot be compared with a language model's.
    """

    signatures: ClassVar[tuple[str, ...]] = (features.FILL, *Servable.signatures)

    def sample(self, prefix: str) -> str:
        """A text with a blank, and how it is filled."""
        text = blank_out(prefix)
        answer = self.fill(text=tf.constant([text]), top_k=tf.constant([1]))
        return f"{text} → {answer[features.TEXT].numpy()[0].decode()}"

    @tf.function(input_signature=[row(tf.string, features.TEXT), row(tf.int32, features.TOP_K)])
    def fill(self, text: tf.Tensor, top_k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Says what is missing where a text has a blank.

        Texts are read between line ends, and their blanks as characters that are not known.

        Returns:
            `candidates` string[B, blanks, k], the likeliest first; `probabilities`
            float32[B, blanks, k], of all characters that can be named, which add up to 1; both
            filled up with "" and 0, to as many blanks and candidates as any row has. `text`
            string[B], every blank replaced by its likeliest candidate.
        """
        inputs = {features.TEXT: text, features.TOP_K: top_k}
        # A text without characters is refused for that alone.
        has_blank = (tf.strings.regex_replace(text, features.BLANK, "") != text) | (text == "")
        checks = [
            *check_texts(features.TEXT, text),
            *check_rows(features.TEXT, inputs),
            refuse_unless(
                has_blank,
                f"text has nothing to fill in: put a {features.BLANK} for each missing character",
            ),
            refuse_unless(top_k > 0, "top_k is too small: ask for 1 or more"),
            refuse_unless(
                top_k <= features.MAX_CANDIDATES,
                f"top_k is too large: ask for {features.MAX_CANDIDATES} at most",
            ),
        ]
        with tf.control_dependencies(checks):
            text, top_k = map(tf.identity, (text, top_k))
        characters = tf.strings.unicode_split(text, "UTF-8")  # [B, (n)]
        is_blank = characters.flat_values == features.BLANK  # [characters]
        blanks = characters.with_flat_values(is_blank)
        counts = tf.reduce_sum(tf.cast(blanks, tf.int64), axis=1)  # [B]
        logits = self._logits_of(text, blanks)  # [all blanks, vocab_size]
        candidates, probabilities = self._rank(logits, tf.repeat(top_k, counts))
        filled = tf.tensor_scatter_nd_update(
            characters.flat_values, tf.where(is_blank), candidates[:, 0]
        )
        return {
            features.CANDIDATES: tf.RaggedTensor.from_row_lengths(candidates, counts).to_tensor(),
            features.PROBABILITIES: tf.RaggedTensor.from_row_lengths(
                probabilities, counts
            ).to_tensor(),
            features.TEXT: tf.strings.reduce_join(characters.with_flat_values(filled), axis=1),
        }

    def _logits_of(self, text: tf.Tensor, blanks: tf.RaggedTensor) -> tf.Tensor:
        """Of the blanks, bool[B, (n)], one after the other."""
        ids = self._vocabulary.encode(text)  # [B, (n)]
        read = tf.where(blanks.flat_values, tf.constant(UNKNOWN_ID, tf.int64), ids.flat_values)
        logits = self._model().predict(
            ids.with_flat_values(read), self._vocabulary.line_end_id()
        )  # [B, n, vocab_size]
        return tf.boolean_mask(logits, blanks.to_tensor())

    def _rank(self, logits: tf.Tensor, top_k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest characters of each of N blanks, and their probabilities.

        Neither `<unk>` nor the blank itself is one; the others share what these would have.

        Args:
            logits: float32[N, vocab_size].
            top_k: int32[N], how many are asked for.

        Returns:
            string[N, k] and float32[N, k], "" and 0 where fewer were asked for or there are.
        """
        blank_id = self._vocabulary.encode(tf.constant([features.BLANK])).flat_values[0]
        entries = tf.range(self._vocabulary.size, dtype=tf.int64)
        named = tf.boolean_mask(entries, (entries != UNKNOWN_ID) & (entries != blank_id))
        probabilities = tf.nn.softmax(tf.gather(logits, named, axis=1))  # [N, named]
        k = tf.minimum(tf.reduce_max(top_k), tf.size(named))
        probabilities, ranked = tf.math.top_k(probabilities, k)  # [N, k]
        ids = tf.RaggedTensor.from_tensor(tf.reshape(tf.gather(named, ranked), [-1, 1]))
        characters = tf.reshape(self._vocabulary.decode(ids), tf.shape(ranked))  # [N, k]
        asked = tf.range(k) < top_k[:, None]  # [N, k]
        return tf.where(asked, characters, ""), tf.where(asked, probabilities, 0.0)
