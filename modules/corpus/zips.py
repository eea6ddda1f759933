"""What zipfile does not see of a zip: that it ends twice, and what its names are in."""

import os
import zipfile
from contextlib import suppress
from typing import Any

from modules.corpus import detection
from modules.corpus.encodings import CODECS

UTF8_NAME = 0x800  # the bit of a member's flags that says that its name is in UTF-8

_END, _END_SIZE = b"PK\5\6", 22  # what a zip ends with, but for its comment, and its length


def ends_twice(file: Any) -> bool:
    """Whether zipfile took what is in a comment for the end of the zip.

    It looks for the last end record; the true one is the first whose comment ends with the file.
    """
    file.seek(0, os.SEEK_END)
    file.seek(-min(file.tell(), _END_SIZE + 2**16 - 1), os.SEEK_CUR)
    tail = file.read()
    start = tail.find(_END)
    while start >= 0:
        length = int.from_bytes(tail[start + _END_SIZE - 2 : start + _END_SIZE], "little")
        if start + _END_SIZE + length == len(tail):
            return start < tail.rfind(_END)
        start = tail.find(_END, start + 1)
    return False


def name_codec(infos: list[zipfile.ZipInfo]) -> str:
    """What the names that are not marked as UTF-8 are in; zipfile reads them as cp437.

    To guess wrong does less harm than with a text; and names are short.
    """
    unmarked = [info.orig_filename for info in infos if not info.flag_bits & UTF8_NAME]
    names = "\n".join(["", *unmarked]).encode("cp437")  # what starts a line is no byte order mark
    for codec in ("utf-8", *CODECS.get(detection.likelier(names) or "", ())):
        with suppress(UnicodeDecodeError):
            names.decode(codec)
            return codec
    return "cp437"
