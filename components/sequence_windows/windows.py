"""The two kinds of windows: what they are cut from, where they lie, how they are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import tensorflow as tf

from components.examples import make_example
from components.sequence_windows.stream import Stream
from modules.features import CONTEXT, DOCUMENT, DOCUMENT_INDEX, IDS, POSITION, SPLIT, TEXT
from modules.windowing import Layout, Strided, WindowOptions


class Windows(Protocol):
    """The windows of one split: all in which training and scoring differ."""

    @property
    def stream(self) -> Stream:
        """The split that they are cut from."""

    @property
    def layout(self) -> Layout:
        """Where they lie in the stream."""

    def values(self, example: tf.train.Example) -> Sequence[Any]:
        """An Example's characters, in the form that the windows hold them."""

    def encode(self, window: int, fragments: Iterable[Any]) -> tf.train.Example:
        """The window that is made of these stretches of values, in order."""


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

    def encode(self, window: int, fragments: Iterable[list[int]]) -> tf.train.Example:
        """See Windows."""
        return make_example({IDS: list(chain.from_iterable(fragments))})


@dataclass(frozen=True)
class ScoredWindows:
    """Windows of text, each of one document: a model with any vocabulary can score them."""

    options: WindowOptions
    split: str
    stream: Stream

    @cached_property
    def layout(self) -> Strided:
        """See Windows."""
        return self.options.scored(self.stream.lengths)

    def values(self, example: tf.train.Example) -> str:
        """See Windows."""
        return text_of(example)

    def encode(self, window: int, fragments: Iterable[str]) -> tf.train.Example:
        """See Windows."""
        start, _ = self.layout.window(window)
        first_scored = self.layout.first_scored(window)
        document, position = self.stream.origin(first_scored)
        return make_example(
            {
                TEXT: "".join(fragments),
                CONTEXT: first_scored - start,
                DOCUMENT: document.name,
                DOCUMENT_INDEX: document.document_index,
                POSITION: position,
                SPLIT: self.split,
            }
        )


def text_of(example: tf.train.Example) -> str:
    """The text of an Example."""
    return example.features.feature[TEXT].bytes_list.value[0].decode()


def place_of(example: tf.train.Example) -> tuple[int, int]:
    """The document_index of an Example, and its position in that document."""
    feature = example.features.feature
    return feature[DOCUMENT_INDEX].int64_list.value[0], feature[POSITION].int64_list.value[0]


def document_of(example: tf.train.Example) -> str:
    """The name of an Example's document."""
    return example.features.feature[DOCUMENT].bytes_list.value[0].decode()
