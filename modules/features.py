"""Names shared by the stages: an Example's features, and its splits.

The way of an Example through the pipeline:

    LyricsExampleGen   text, document, document_index, position
    Transform          the same, and ids
    SequenceWindows    train windows:  ids
                       scored windows: text, context, document, document_index, position, split,
                                       and of held-out text ngram_nats, cache_nats
"""

# Features of an Example.
TEXT = "text"  # bytes: UTF-8, at least one character
DOCUMENT = "document"  # bytes: UTF-8, "<archive>/<member>", what the text is a part of
DOCUMENT_INDEX = "document_index"  # int64: of the document, in reading order
POSITION = "position"  # int64: of the text's first character in its document
IDS = "ids"  # int64[n]: vocabulary indices of the n characters of the text
CONTEXT = "context"  # int64: how many leading characters of the text only warm the state up
SPLIT = "split"  # bytes: the split that the characters belong to
NGRAM_NATS = "ngram_nats"  # float[n]: -log P of each scored character, under the n-grams of train
CACHE_NATS = "cache_nats"  # float[n]: the same, under the cache of the characters before it

# Splits of an Examples artifact.
TRAIN = "train"  # what models are fitted to
VALIDATION = "validation"  # set aside from it, where asked for: what choices are made on
EVAL = "eval"  # held out: what models are judged by
# In this order, and so called where people read of them.
SPLITS = {TRAIN: "training", VALIDATION: "validation", EVAL: "held-out"}


def scored_split(split: str) -> str:
    """Name of the split of windows in which every character of `split` is scored once."""
    return f"scored_{split}"
