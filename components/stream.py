"""The documents of a split, laid end to end: what has to be known to place an Example."""

import json
import os
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from tfx.dsl.io import fileio


def path_of(documents: str, split: str) -> str:
    """Where in an artifact `components.Documents` the Stream of a split is."""
    return os.path.join(documents, f"{split}.json")


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

    def save(self, path: str) -> None:
        """Writes what `load` reads."""
        fileio.makedirs(os.path.dirname(path))
        with fileio.open(path, "w") as file:
            file.write(json.dumps(self.documents))

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
