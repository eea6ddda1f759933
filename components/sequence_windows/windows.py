"""The two kinds of windows: what they are cut from, where they lie, how they are written."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import tensorflow as tf

from components.examples import ids_of, make_example, text_of
from components.sequence_windows.ngram_scores import NgramScores
from components.stream import Stream
from modules.features import CONTEXT, DOCUMENT, DOCUMENT_INDEX, IDS, POSITION, SPLIT, TEXT
from modules.windows.windowing import Layout, Strided, WindowOptions


@dataclass(frozen=True)
class TrainingWindows:
    """Windows of vocabulary indices, which run on from document to document."""

    options: WindowOptions
    stream: Stream

    @cached_property
    def layout(self) -> Layout:
        """See Windows."""
        return self.options.training(self.stream.lengths)

    def values(self, example: tf.train.Example) -> list[int]:
        """See Windows."""
        return list(example.features.feature[IDS].int64_list.value)

    def assemble(self, window: int, fragments: Iterable[list[int]]) -> tf.train.Example:
        """See Windows."""
        return make_example({IDS: list(chain.from_iterable(fragments))})


@dataclass(frozen=True)
class ScoredWindows:
    """Windows of text, each of one document: a model with any vocabulary can score them.

    Where there are `scores`, a window is assembled from as many characters as they look back on,
    and is written with the `context` nearest ones and the scores.
    """

    options: WindowOptions
    split: str
    scores: NgramScores | None
    stream: Stream

    @cached_property
    def layout(self) -> Strided:
        """See Windows."""
        history = self.scores.history if self.scores else 0
        return self.options.scored(self.stream.lengths, history)

    def values(self, example: tf.train.Example) -> np.ndarray:
        """See Windows; int64[n, 2], of each character its code point and its index."""
        codes = np.frombuffer(text_of(example).encode("utf-32-le"), "<u4")
        ids = ids_of(example)
        n = min(len(codes), len(ids))  # where one is missing, a gap shows
        return np.stack([codes[:n], ids[:n]], axis=1)

    def assemble(self, window: int, fragments: Iterable[np.ndarray]) -> tf.train.Example:
        """See Windows."""
        codes, ids = np.concatenate(list(fragments)).T
        start, _ = self.layout.window(window)
        first_scored = self.layout.first_scored(window)
        document, position = self.stream.origin(first_scored)
        history = first_scored - start
        context = min(history, self.options.context)
        features = {
            TEXT: codes[history - context :].astype("<u4").tobytes().decode("utf-32-le"),
            CONTEXT: context,
            DOCUMENT: document.name,
            DOCUMENT_INDEX: document.document_index,
            POSITION: position,
            SPLIT: self.split,
        }
        if self.scores:
            at_start = position - history == document.first
            features |= self.scores.features(ids, history, at_start)
        return make_example(features)
