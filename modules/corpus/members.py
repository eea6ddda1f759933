"""Which members are texts, as far as their names tell, and which names are refused."""

import re
import unicodedata
from typing import Any

from modules.errors import CorpusError

# Why a member is not read.
HIDDEN = "hidden"
METADATA = "left by a file manager"  # unasked, and never a text
OTHER_KIND = "of another kind"
EMPTY = "empty"

NESTED = "is an archive in the archive, which is not opened: unpack it, and pack its texts"
ARCHIVE_MAGIC = (b"PK\3\4", b"PK\5\6", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b")

# macOS's and Windows's, in small letters.
_METADATA = re.compile(r"(?s)(.*/)?(__macosx(/.*)?|\.ds_store|\._[^/]*|thumbs\.db|desktop\.ini)")
_ARCHIVES = (".zip", ".zipx", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
_ROOTED = re.compile(r"/|[A-Za-z]:/")  # a letter and a colon alone may begin a title


def inner_path(raw: str) -> str | None:
    r"""A member's name as a path in NFC, with `/` in it; None if it could lead out of the archive.

    Whoever packs under Windows may write `\`.
    """
    path = unicodedata.normalize("NFC", raw).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if _ROOTED.match(path) or ".." in parts or "\0" in raw:
        return None
    return "/".join(parts)


def why_not_read(name: str) -> str | None:
    """Why a member is passed over; None of a text.

    Hidden is whatever has a name or a folder that starts with a dot; but not what file managers
    leave in folders and zips, such as `__MACOSX/` and `.DS_Store`.
    """
    if _METADATA.fullmatch(name.lower()):
        return METADATA
    if any(part.startswith(".") for part in name.split("/")):
        return HIDDEN
    return None if name.lower().endswith(".txt") else OTHER_KIND


def is_archive(name: str) -> bool:
    """Whether a name is that of an archive."""
    return name.lower().endswith(_ARCHIVES)


def refusal(path: str, name: str, what: str, **options: Any) -> CorpusError:
    """The error that says what is wrong with a member of the archive at a path."""
    error = CorpusError(what, options or None)
    error.about = f"{path}: {name!r} "
    return error
