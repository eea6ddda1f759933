"""Bytes to text, in one strict way.

Nothing is ever guessed: bytes that cannot be read are an error with their offset. A U+FFFD that
the text came with, where someone before lost a character, is kept. What is dropped is counted.
"""

import codecs
import io
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from modules.errors import CorpusError
from modules.normal_form import CONTROL, DROPPED, LINE_ENDS

# The options, and Python's codecs for each, in the order in which they are tried. Big5 as it is
# met: Microsoft's code page 950 (it has 裏, 恒 and €), else with the Cantonese characters. The
# Shift_JIS and the EUC-KR are Microsoft's too, which have more characters.
CODECS = {
    "utf-8": ("utf-8",),
    "utf-16": ("utf-16",),
    "utf-16le": ("utf-16-le",),
    "utf-16be": ("utf-16-be",),
    "utf-32": ("utf-32",),
    "gb18030": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "shift_jis": ("cp932",),
    "euc_jp": ("euc_jp",),
    "iso2022_jp": ("iso2022_jp",),
    "euc_kr": ("cp949",),
    **{f"windows-{number}": (f"cp{number}",) for number in range(1250, 1259)},
    **{f"iso-8859-{part}": (f"iso8859-{part}",) for part in range(1, 17) if part != 12},
    "koi8-r": ("koi8-r",),
    "koi8-u": ("koi8-u",),
    "mac-roman": ("mac-roman",),
}

# Never part of a text: NUL, and Unicode's noncharacters, which TensorFlow turns into U+FFFD.
_PLANES = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 2**20, 2**16))
_REFUSED = f"\0\ufdd0-\ufdef{_PLANES}\U0010fffe\U0010ffff"
_NOT_TEXT = re.compile(f"[{_REFUSED}]")
_LINE_END = re.compile(f"[{LINE_ENDS}]")
_CONTROL = re.compile(CONTROL)
_ODD = re.compile(f"[{_REFUSED}{LINE_ENDS}{DROPPED}]")  # one search is faster than three

_LONGEST_HELD = 2**16  # characters, see _composed


class UndecodableError(CorpusError):
    """Bytes that are not of an encoding.

    Attributes:
        offset: of the first such byte from the start of the bytes.
    """

    def __init__(self, found: bytes, offset: int, codec: str) -> None:
        super().__init__(
            f"holds {found.hex(' ')} at byte offset {offset}, which is not {codec}: mend it, or "
            "give the encoding that the text is in with {encoding.name}, such as euc_kr or "
            "windows-1252, or convert it (iconv -f ENCODING -t UTF-8)",
            {"encoding": codec},
        )
        self.offset = offset


def decode(
    chunks: Iterable[bytes], codec: str, dropped: Counter[str] | None = None
) -> Iterator[str]:
    r"""The text of some bytes, in normal form; in memory there is never more than a piece of it.

    It is in the normal form of `modules.normal_form`, and a "\n" is added at the end where there is
    none. What Unicode has not assigned is kept, for a later Unicode than this Python's may have
    assigned it.

    Args:
        chunks: the bytes, cut anywhere.
        codec: a Python codec.
        dropped: counts the characters that are dropped; the mark at the start is not one.

    Yields:
        The pieces of the text, in order.

    Raises:
        UndecodableError: if bytes are not of the encoding.
        CorpusError: if a character is never part of a text (NUL, a noncharacter).
    """
    last = ""
    dropped = Counter() if dropped is None else dropped
    for text in _composed(_unified(_strict(chunks, codec, dropped))):
        if text:
            yield text
            last = text[-1]
    if last != "\n":
        yield "\n"


def _strict(chunks: Iterable[bytes], codec: str, dropped: Counter[str]) -> Iterator[str]:
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
        offset += len(chunk)
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        if not _ODD.search(text):
            yield text
            continue
        if wrong := _NOT_TEXT.search(text):
            decoder.setstate(state)
            where = start + _bytes_before(wrong[0], chunk, decoder, len(state[0]))
            raise CorpusError(
                f"holds U+{ord(wrong[0]):04X} at byte offset {where}, which is no character of a "
                "text: save it as UTF-8, or as UTF-16 with a byte order mark, or give its encoding "
                "with {encoding.name}",
                {"encoding": codec},
            )
        dropped.update(_CONTROL.findall(text))
        yield _CONTROL.sub("", _LINE_END.sub("\n", text))


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
    for text in filter(None, texts):
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
