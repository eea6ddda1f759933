"""The first reading of a corpus: from archives to a table of documents.

Everything is read twice. The first reading believes nothing and finds whatever is wrong before
anything is written; the second, `documents.passages` on the workers, reads what the table names.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from modules.checks import Options, option
from modules.corpus import detection, encodings, strict
from modules.corpus.archives import Archive
from modules.corpus.documents import Document
from modules.corpus.files import CHUNK, LOCAL, Files
from modules.corpus.folders import Folder
from modules.corpus.kinds import open_archive
from modules.corpus.members import EMPTY
from modules.errors import CorpusError

_logger = logging.getLogger(__name__)

SECONDS = 2  # from one word of how far the first reading is to the next


@dataclass(frozen=True)
class CorpusOptions(Options, group="Data"):
    """How to read the archives."""

    encoding: str = option(
        detection.AUTO,
        "Encoding of the texts. auto finds each text's own where it is Unicode's or Chinese, and "
        "refuses the others. There are utf-8, utf-16 and utf-32 (with a byte order mark), "
        "utf-16le, utf-16be, gb18030, big5, shift_jis, euc_jp, iso2022_jp, euc_kr, "
        "windows-1250 to -1258, iso-8859-1 to -16, koi8-r, koi8-u and mac-roman.",
        choices=(detection.AUTO, *encodings.CODECS),
        metavar="NAME",
    )
    max_characters: int | None = option(
        None, "Read only so many characters, the corpus's first.", low=1, shown="all"
    )
    max_ratio: float = option(
        100.0, "Refuse members of 1 MiB or more that unpack to more than so many times.", low=1
    )
    max_bytes: int = option(2**30, "Refuse more bytes than that, unpacked.", low=1)
    strict: bool = option(
        False,
        "Refuse what is else passed over (what is hidden, empty or does not end in .txt) or "
        "dropped (control characters).",
    )


@dataclass(frozen=True)
class Corpus:
    """What archives hold.

    Attributes:
        documents: what is read, in reading order.
        passed_over: how many members are not read, by the reason.
        dropped: how many characters are not read, by the character.
        opening: how the first document begins, on one line.
    """

    documents: list[Document]
    passed_over: dict[str, int]
    dropped: dict[str, int]
    opening: str


def check(archives: Mapping[str, str], options: CorpusOptions, files: Files = LOCAL) -> None:
    """Finds what is wrong with archives at first sight, before any text in them is read.

    Args:
        archives: paths by name, as from `files.match`.
        options: how to read them.
        files: where the paths lead.

    Raises:
        CorpusError: if one is no zip, has no texts or has a member that is refused.
    """
    for path in archives.values():
        with open_archive(path, options.max_ratio, files) as archive:
            _ = archive.texts
            if options.strict:
                strict.check_passed_over(path, archive.passed_over)


def inspect(archives: Mapping[str, str], options: CorpusOptions, files: Files = LOCAL) -> Corpus:
    """Reads all of the archives and tells what they hold.

    Holds no more than a piece of a text in memory. Texts without anything but white space are
    passed over, with a warning.

    Args:
        archives: paths by name, as from `files.match`.
        options: how to read them.
        files: where the paths lead.

    Raises:
        CorpusError: if anything in them is refused.
    """
    documents: list[Document] = []
    reasons: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    opening, budget = "", options.max_bytes
    for name, path in sorted(archives.items()):
        found = len(documents)
        with open_archive(path, options.max_ratio, files) as archive:
            passed_over = dict(archive.passed_over)
            for member in _with_progress(archive):
                size, chunks = _read_through(archive, member, budget)
                budget -= size
                reading = _identify(archive, member, chunks, options)
                dropped.update(reading.dropped)
                if not reading.characters:
                    passed_over[member] = EMPTY
                    continue
                opening = opening or reading.opening
                place = (len(documents), _document_name(name, member), path, member)
                documents.append(Document(*place, reading.codec, reading.characters))
        if len(documents) == found:
            raise CorpusError(f"{path} holds only empty texts: add some text, or leave it out")
        if options.strict:
            strict.check_passed_over(path, passed_over)
        reasons.update(passed_over.values())
    kept = _truncate(documents, options.max_characters)
    return Corpus(kept, dict(reasons), dict(dropped), opening)


def _document_name(archive: str, member: str) -> str:
    is_single = archive.rpartition("/")[2] == member
    return archive if is_single else f"{archive}/{member}"


def _with_progress(archive: Archive | Folder) -> Iterator[str]:
    """Its texts; says in the log every few seconds how many of them were read."""
    said = time.monotonic()
    for number, member in enumerate(archive.texts):
        if time.monotonic() - said >= SECONDS:
            said = time.monotonic()
            _logger.info("reading: %s of %s songs", f"{number:,}", f"{len(archive.texts):,}")
        yield member


def _read_through(
    archive: Archive | Folder, member: str, budget: int
) -> tuple[int, Callable[[], Iterable[bytes]]]:
    """The size of a text, and what gives its bytes anew at each call.

    It is read to its end before a byte is decoded, so that damage is called damage. A small text
    is kept: to open a member takes far longer than to read so little.
    """
    size, kept = 0, []
    for chunk in archive.read(member, budget):
        size += len(chunk)
        if size <= CHUNK:
            kept.append(chunk)
    return size, (lambda: archive.read(member)) if size > CHUNK else lambda: kept


def _identify(
    archive: Archive | Folder,
    member: str,
    chunks: Callable[[], Iterable[bytes]],
    options: CorpusOptions,
) -> detection.Reading:
    """Finds how to read a text; says in the log what is odd about it."""
    try:
        reading = detection.identify(chunks, options.encoding)
        if options.strict:
            strict.check_dropped(reading)
    except CorpusError as error:
        error.about = f"{archive.path}: {member!r} "
        raise
    if not reading.characters:
        _logger.warning("%s: %r is empty and passed over", archive.path, member)
    if reading.lost:
        _logger.warning(
            "%s: %r came with %d U+FFFD, the first at character %d, for characters lost before",
            *(archive.path, member, reading.lost, reading.first_lost),
        )
    return reading


def _truncate(documents: list[Document], characters: int | None) -> list[Document]:
    """The corpus's first characters; the last document may be cut."""
    if characters is None:
        return documents
    kept = []
    for document in documents:
        if characters <= 0:
            break
        kept.append(replace(document, characters=min(document.characters, characters)))
        characters -= document.characters
    return kept
