"""Transform's entry point: finds the vocabulary and writes every text as indices."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from modules import features
from modules.vocabulary.characters import VOCABULARY, VocabularyOptions
from modules.vocabulary.indices import UNKNOWN, UNKNOWN_ID, VOCABULARY_NAME, code_points


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor | tf.SparseTensor]:
    """Passes the Examples on with the indices of their characters added.

    Args:
        inputs: the features that LyricsExampleGen wrote, each of shape [B, 1].
        custom_config: `vocabulary`, the fields of a VocabularyOptions.

    Returns:
        The same features, and `ids`: the indices of each text's characters, int64[B, (n)].
    """
    options = VocabularyOptions(**custom_config[VOCABULARY])
    codes = code_points(tf.reshape(inputs[features.TEXT], [-1]), options.newline)
    entries = codes.with_flat_values(tf.strings.as_string(codes.flat_values)).to_sparse()
    vocabulary = tft.vocabulary(
        entries,
        top_k=options.max_vocab_size - 1 if options.max_vocab_size else None,  # <unk> is one more
        frequency_threshold=options.min_count,
        vocab_filename=VOCABULARY_NAME,
        reserved_tokens=[UNKNOWN],
    )
    ids = tft.apply_vocabulary(entries, vocabulary, default_value=UNKNOWN_ID)
    return {**inputs, features.IDS: ids}
