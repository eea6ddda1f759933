"""Bytes to text: which encoding they are in, and one strict way to read them.

Nothing is ever replaced: bytes that cannot be read are an error with their offset. A U+FFFD that
the text came with, where someone before lost a character, is kept and counted.
"""

import codecs
import io
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from charset_normalizer import from_bytes

from modules.errors import CorpusError

# The options, and Python's codecs for each, in the order in which they are tried. Big5 as it is
# met: Microsoft's code page 950 (it has 裏, 恒 and €), else with the Cantonese characters.
CODECS = {
    "utf-8": ("utf-8",),
    "utf-16": ("utf-16",),
    "gb18030": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
}
AUTO = "auto"

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

# Never part of a text: NUL, and Unicode's noncharacters, which TensorFlow turns into U+FFFD.
_PLANES = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 2**20, 2**16))
_NOT_TEXT = re.compile(f"[\0\ufdd0-\ufdef{_PLANES}\U0010fffe\U0010ffff]")

_LONGEST_HELD = 2**16  # characters, see _composed


@dataclass(frozen=True)
class Reading:
    """How some bytes can be read.

    Attributes:
        codec: Python's name of their encoding.
        characters: the length of the text that `decode` makes of them; 0 if it is white space.
        lost: how many U+FFFD it came with, for characters that were lost before.
        first_lost: the position of the first of these; -1 if there is none.
    """

    codec: str
    characters: int
    lost: int
    first_lost: int


class UndecodableError(CorpusError):
    """Bytes that are not of an encoding.

    Attributes:
        offset: of the first such byte from the start of the bytes.
    """

    def __init__(self, found: bytes, offset: int, codec: str) -> None:
        super().__init__(
            f"holds {found.hex(' ')} at byte offset {offset}, which is not {codec}: "
            f"mend it, or give the encoding that the text is in ({', '.join(CODECS)})"
        )
        self.offset = offset


def identify(chunks: Callable[[], Iterable[bytes]], encoding: str) -> Reading:
    """Finds the codec by which all the bytes can be read.

    With `auto` it is what the byte order mark says, else UTF-8, else GB18030 or Big5, if it is
    clear which. Other encodings, Korean EUC-KR for one, are not told from these.

    Args:
        chunks: gives the bytes, anew at each call.
        encoding: a key of CODECS, or `auto`.

    Raises:
        UndecodableError: if no codec tried reads all the bytes; it tells how far the best came.
        CorpusError: if they are no text, or their byte order mark contradicts `encoding`.
    """
    failures = []
    for codec in _candidates(chunks, encoding):
        try:
            return _reading(codec, decode(chunks(), codec))
        except UndecodableError as error:
            failures.append(error)
    raise max(failures, key=lambda error: error.offset)


def decode(chunks: Iterable[bytes], codec: str) -> Iterator[str]:
    r"""The text of some bytes, in normal form; in memory there is never more than a piece of it.

    The normal form: no byte order mark; every "\r\n" and every other "\r" is a "\n", and nothing
    else is a line end; Unicode NFC; a "\n" at the end, added where there is none.

    Args:
        chunks: the bytes, cut anywhere.
        codec: a Python codec.

    Yields:
        The pieces of the text, in order.

    Raises:
        UndecodableError: if bytes are not of the encoding.
        CorpusError: if a character is never part of a text (NUL, a noncharacter).
    """
    last = ""
    for text in _composed(_unified(_strict(chunks, codec))):
        if text:
            yield text
            last = text[-1]
    if last != "\n":
        yield "\n"


def _reading(codec: str, texts: Iterable[str]) -> Reading:
    characters, blank, lost, first_lost = 0, True, 0, -1
    for text in texts:
        if "\ufffd" in text:
            first_lost = characters + text.index("\ufffd") if not lost else first_lost
            lost += text.count("\ufffd")
        characters += len(text)
        blank = blank and text.isspace()
    return Reading(codec, 0 if blank else characters, lost, first_lost)


def _candidates(chunks: Callable[[], Iterable[bytes]], encoding: str) -> Iterator[str]:
    """The codecs worth trying, the likeliest first."""
    head = next(iter(chunks()), b"")
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if encoding == "utf-16" and not marked:
        raise CorpusError("has no byte order mark, which encoding='utf-16' needs: save it with one")
    if marked and encoding not in (AUTO, marked):
        raise CorpusError(
            f"starts with the byte order mark of {marked}, not of encoding={encoding!r}: "
            f"give encoding={marked!r} or {AUTO!r}"
        )
    if marked or encoding != AUTO:
        yield from CODECS[marked or encoding]
    else:
        yield "utf-8"
        # The first chunk with anything but ASCII in it starts between two characters.
        sample = next((chunk for chunk in chunks() if not chunk.isascii()), b"")
        yield from CODECS.get(guess(sample) or "", ())


def guess(sample: bytes) -> str | None:
    """Tells GB18030 from Big5, in either of which most Chinese bytes can be read.

    charset-normalizer says which, and errs on short lyrics; so its word is one vote beside the
    share of characters that each reading finds common. The wrong reading finds rare ones.

    Args:
        sample: bytes from the start of a character on; the last one may be incomplete.

    Returns:
        `gb18030`, `big5`, or None where it is neither or not clear.
    """
    line_end = sample.rfind(b"\n")  # a line feed is part of no other character
    sample = sample[: line_end + 1] or sample
    names = {codec: name for name in ("gb18030", "big5") for codec in CODECS[name]}
    shares = {
        name: max(_common_share(sample, codec) for codec in CODECS[name]) for name in names.values()
    }
    best = from_bytes(sample, cp_isolation=list(names), enable_fallback=False).best()
    voted = names.get(best.encoding if best else "")
    scores = {name: share + 0.2 * (name == voted) for name, share in shares.items()}
    likely, unlikely = sorted(scores, key=scores.__getitem__, reverse=True)
    # Measured on lyrics: right wherever there are 25 characters, undecided on some shorter ones.
    clear = shares[likely] >= 0.5 and scores[likely] - scores[unlikely] >= 0.3
    return likely if clear else None


def _common_share(sample: bytes, codec: str) -> float:
    """How much of what is not ASCII is in the codec's rows of common characters."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return 0.0
    pairs = [character.encode(codec) for character in text if not character.isascii()]
    return sum(map(_is_common[codec], pairs)) / max(len(pairs), 1)


def _common_in_gb18030(pair: bytes) -> bool:
    """In level 1 of GB 2312, or punctuation."""
    return (
        len(pair) == 2 and pair[1] >= 0xA1 and (0xB0 <= pair[0] <= 0xD7 or pair[0] in b"\xa1\xa3")
    )


def _common_in_big5(pair: bytes) -> bool:
    """In level 1 of Big5, or punctuation."""
    return 0xA4 <= pair[0] <= 0xC6 or pair[0] == 0xA1


_is_common = {
    "gb18030": _common_in_gb18030,
    "cp950": _common_in_big5,
    "big5hkscs": _common_in_big5,
}


def _strict(chunks: Iterable[bytes], codec: str) -> Iterator[str]:
    """Decodes; finds what is not of the encoding and what is not text."""
    decoder = codecs.getincrementaldecoder(codec)()
    offset, at_start = 0, True
    for chunk in itertools.chain(chunks, [b""]):
        state = decoder.getstate()
        start = offset - len(state[0])  # of what the decoder holds back
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            found = error.object[error.start : error.end]
            raise UndecodableError(found, start + error.start, codec) from error
        if wrong := _NOT_TEXT.search(text):
            decoder.setstate(state)
            where = start + _bytes_before(wrong[0], chunk, decoder, len(state[0]))
            raise CorpusError(
                f"holds U+{ord(wrong[0]):04X} at byte offset {where}, which is no character of a "
                "text: save it as UTF-8, or as UTF-16 with a byte order mark"
            )
        yield text.removeprefix("\ufeff") if at_start else text
        at_start = at_start and not text
        offset += len(chunk)


def _bytes_before(character: str, chunk: bytes, decoder: Any, held: int) -> int:
    """Where a character starts, counted from the first of the `held` bytes before the chunk."""
    start = 0
    for end in range(1, len(chunk) + 1):
        text = decoder.decode(chunk[end - 1 : end])
        if character in text:
            break
        if text:
            start = held + end
    return start


def _unified(texts: Iterable[str]) -> Iterator[str]:
    """Makes every line end a line feed, also where it lies across two pieces."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    for text in texts:
        yield newlines.decode(text)
    yield newlines.decode("", final=True)


def _composed(texts: Iterable[str]) -> Iterator[str]:
    """Unicode NFC; cuts only before a character that composes with nothing before it."""
    held = ""
    for text in texts:
        held += text
        indices = range(len(held) - 1, 0, -1)
        cut = next((index for index in indices if _starts_anew(held[index])), 0)
        if len(held) - cut > _LONGEST_HELD:
            raise CorpusError(
                f"holds over {_LONGEST_HELD} combining marks in a row: "
                "this is no text; take it out of the archive"
            )
        yield unicodedata.normalize("NFC", held[:cut])
        held = held[cut:]
    yield unicodedata.normalize("NFC", held)


def _starts_anew(character: str) -> bool:
    """Whether NFC never composes or reorders it with what comes before it (UAX #15)."""
    is_jamo = "\u1160" <= character <= "\u11ff"  # vowels and finals of conjoining Hangul
    return not is_jamo and not unicodedata.category(character).startswith("M")
