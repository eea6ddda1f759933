"""The second reading of a corpus: from a document to its text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modules.corpus import encodings
from modules.corpus.archives import Archive
from modules.corpus.folders import Folder
from modules.errors import CorpusError

PASSAGE = 4096  # characters of an Example at most


@dataclass(frozen=True)
class Document:
    """A text of the corpus.

    Attributes:
        index: its place in reading order: by archive name, then by member name.
        name: `<archive>/<member>`; of a text that is its own archive, only that.
        path: of the archive.
        member: its name in the archive.
        codec: Python's name of its encoding.
        characters: its length, after `encodings.decode`.
    """

    index: int
    name: str
    path: str
    member: str
    codec: str
    characters: int


def passages(
    archive: Archive | Folder, document: Document, start: int, stop: int
) -> Iterator[tuple[int, str]]:
    """The characters `[start, stop)` of a document, in passages of at most PASSAGE characters.

    Yields:
        The position of a passage in the document, and its text.

    Raises:
        CorpusError: if the archive is not what it was when it was inspected.
    """
    texts = encodings.decode(archive.read(document.member), document.codec)
    read_to = start
    for position, text in _passages(texts, start, stop):
        yield position, text
        read_to = position + len(text)
    if read_to != stop:
        raise CorpusError(
            f"{document.path}: {document.member!r} ends at character {read_to}, not {stop}: "
            "the archive was changed while it was read; run again"
        )


def _passages(texts: Iterable[str], start: int, stop: int) -> Iterator[tuple[int, str]]:
    position, held = 0, ""  # of the end of what was read; what of it is not yet given out
    for text in texts:
        held += text[max(start - position, 0) : max(stop - position, 0)]
        position += len(text)
        while len(held) >= PASSAGE:
            yield start, held[:PASSAGE]
            start, held = start + PASSAGE, held[PASSAGE:]
        if position >= stop:
            break
    if held:
        yield start, held
