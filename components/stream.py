"""The documents of a split, laid end to end: what has to be known to place an Example."""

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.io import fileio

from components.examples import document_of, place_of, text_of


class Document(NamedTuple):
    """The part of a document that is in the split; it is in one piece."""

    document_index: int  # in reading order
    name: str
    first: int  # position in the document of its first character here
    length: int  # characters here


@dataclass(frozen=True)
class Stream:
    """A split's characters, numbered from 0 in the order of their documents.

    It holds nothing of the text: its size is that of the list of documents.

    Attributes:
        documents: in order of their index.
    """

    documents: list[Document]

    @classmethod
    def load(cls, path: str) -> "Stream":
        """Reads what `save` wrote."""
        with fileio.open(path, "r") as file:
            return cls([Document(*fields) for fields in json.load(file)])

    @staticmethod
    def save(documents: Iterable[Document], path: str) -> None:
        """Writes the stream of these documents, which come in any order."""
        with fileio.open(path, "w") as file:
            file.write(json.dumps(sorted(documents)))

    @cached_property
    def lengths(self) -> list[int]:
        """Characters of each document."""
        return [document.length for document in self.documents]

    @cached_property
    def _starts(self) -> list[int]:
        """Where in the stream each document starts, and the last one ends."""
        return list(accumulate(self.lengths, initial=0))

    @cached_property
    def _shifts(self) -> dict[int, int]:
        """By document_index: what turns a position in the document into one in the stream."""
        return {
            document.document_index: start - document.first
            for document, start in zip(self.documents, self._starts, strict=False)
        }

    def locate(self, document_index: int, position: int) -> int:
        """Where in the stream the character at a position of a document is."""
        return self._shifts[document_index] + position

    def origin(self, character: int) -> tuple[Document, int]:
        """The document of a character of the stream, and its position in that document."""
        document = self.documents[bisect_right(self._starts, character) - 1]
        return document, character - self._shifts[document.document_index]


@beam.ptransform_fn
def MeasureDocuments(examples: beam.PCollection, path: str) -> beam.PCollection:
    """Writes the Stream of the serialised `examples` to `path`; see Stream.load."""
    return (
        examples
        | "Measure" >> beam.Map(_measure)
        | "ByDocument" >> beam.CombinePerKey(beam.combiners.TupleCombineFn(min, sum))
        | "Document" >> beam.MapTuple(lambda key, value: Document(*key, *value))
        | "List" >> beam.combiners.ToList()
        | "Save" >> beam.Map(Stream.save, path)
    )


def _measure(serialized: bytes) -> tuple[tuple[int, str], tuple[int, int]]:
    """What one Example tells of its document: where it starts, at most, and its length."""
    example = tf.train.Example.FromString(serialized)
    document_index, position = place_of(example)
    return (document_index, document_of(example)), (position, len(text_of(example)))
