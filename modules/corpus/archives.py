"""Zip archives from strangers: which members are text, and their bytes, within limits."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from modules.corpus import members, zips
from modules.corpus.files import CHUNK, LOCAL, Files, readable
from modules.corpus.members import why_not_read
from modules.errors import CorpusError

SMALL = 2**20  # bytes: a member below that is never a bomb, however well it is packed

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: traditional, strong, masked headers
# The others' decompressors hand out all they have at once, so that no limit can be kept.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for members that are damaged in one way or another.
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)


class Archive:
    """An open zip. Nothing in it is believed before it was checked.

    Args:
        path: of the zip.
        max_ratio: of a member's bytes to its packed bytes.
        files: where the path leads.

    Raises:
        CorpusError: if it is no zip that can be read.
    """

    def __init__(self, path: str, max_ratio: float, files: Files = LOCAL) -> None:
        self.path = path
        self._max_ratio = max_ratio
        with readable(path):
            self._file = files.open(path)
            try:
                self._zip = zipfile.ZipFile(self._file)
            except Exception as error:
                with self._file:
                    self._file.seek(0)
                    is_zip = self._file.read(4) == b"PK\3\4"
                raise CorpusError(
                    f"{path} is truncated or damaged ({error}): copy it again"
                    if is_zip
                    else f"{path} is not a zip, a .txt file or a folder of them: pack the texts "
                    "into a zip, or match only such"
                ) from error
            if zips.ends_twice(self._file):
                with self._file:
                    raise CorpusError(
                        f"{path} can be read in two ways, for its comment holds the end of another "
                        "zip: pack the texts again, without a comment"
                    )

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
        self._file.close()

    @cached_property
    def texts(self) -> dict[str, zipfile.ZipInfo]:
        """The `.txt` members by name, in name order; names are in NFC, with `/` in them.

        Raises:
            CorpusError: if there is no text, or any member is refused.
        """
        texts = {name: info for name, info in self._members.items() if not why_not_read(name)}
        if not texts:
            raise CorpusError(
                f"{self.path} holds no .txt member ({len(self._members)} others): "
                "add texts with names that end in .txt"
            )
        if sum(info.compress_size for info in texts.values()) > self._size():
            raise CorpusError(
                f"{self.path} says that its members hold more bytes than it has: "
                "they overlap, as in a zip bomb; pack the texts again"
            )
        return dict(sorted(texts.items()))

    @cached_property
    def passed_over(self) -> dict[str, str]:
        """Why each other member is not read, by name.

        Raises:
            CorpusError: if any member is refused.
        """
        reasons = {name: why_not_read(name) for name in self._members}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def _members(self) -> dict[str, zipfile.ZipInfo]:
        """All that are no folders by name; refuses what is dangerous or cannot be read."""
        infos = self._zip.infolist()
        codec = zips.name_codec(infos)
        found: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = self._safe_name(info, codec)
            if info.is_dir():
                continue
            if name in found:
                raise self._refusal(name, "is there twice: keep one of the two")
            self._check_kind(name, info)
            found[name] = info
        return found

    def read(self, name: str, max_bytes: int | None = None) -> Iterator[bytes]:
        """The bytes of a text, in chunks; that they are whole is known at the end only.

        Args:
            name: a key of `texts`.
            max_bytes: what is left of the corpus's limit, where it is to be kept.

        Raises:
            CorpusError: if they are damaged, an archive themselves, or past a limit.
        """
        size, info = 0, self.texts[name]
        with self._intact(name), self._zip.open(info) as file:
            while chunk := file.read(CHUNK):
                if not size and chunk.startswith(members.ARCHIVE_MAGIC):
                    raise self._refusal(name, members.NESTED)
                size += len(chunk)
                if size > max(SMALL, self._max_ratio * info.compress_size):
                    raise self._refusal(
                        name,
                        f"unpacks to over {{max_ratio:{self._max_ratio:g}}} times its "
                        f"{info.compress_size} bytes, as a zip bomb does: take it out, or raise "
                        "{max_ratio.name} if you trust it",
                        max_ratio=self._max_ratio,
                    )
                if max_bytes is not None and size > max_bytes:
                    raise self._refusal(
                        name,
                        "takes the corpus over {max_bytes.name}, as a zip bomb does: "
                        "take texts out, or raise {max_bytes.name} if you trust it",
                        max_bytes=max_bytes,
                    )
                yield chunk
            if size != info.file_size:
                raise self._refusal(
                    name,
                    f"holds {size} bytes, not the {info.file_size} that the archive says: "
                    "it is damaged; copy the archive again",
                )

    def _safe_name(self, info: zipfile.ZipInfo, codec: str) -> str:
        """The member's name, decoded; refuses what could lead out of the archive."""
        raw = info.orig_filename
        if not info.flag_bits & zips.UTF8_NAME and not raw.isascii():
            raw = raw.encode("cp437").decode(codec)
        name = members.inner_path(raw)
        if name is None:
            raise self._refusal(raw, "is no path inside the archive: pack it with relative names")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise self._refusal(raw, "is a symbolic link: pack the file that it points to")
        return name

    def _check_kind(self, name: str, info: zipfile.ZipInfo) -> None:
        """Refuses archives, and texts that cannot be read."""
        reason = why_not_read(name)
        if reason == members.OTHER_KIND and members.is_archive(name):
            raise self._refusal(name, members.NESTED)
        if reason:
            return
        if info.flag_bits & _ENCRYPTED:
            raise self._refusal(name, "is encrypted: pack it without a password")
        if info.compress_type not in _METHODS:
            raise self._refusal(
                name, f"is packed by method {info.compress_type}: pack it stored or deflated"
            )

    @contextmanager
    def _intact(self, name: str) -> Iterator[None]:
        """Turns what zipfile raises for damaged members into one error."""
        try:
            yield
        except _DAMAGE as error:
            raise self._refusal(
                name, f"is damaged ({error}): copy the archive again, or pack it anew"
            ) from error

    def _size(self) -> int:
        return self._file.seek(0, os.SEEK_END) or self._file.tell()

    def _refusal(self, name: str, what: str, **options: Any) -> CorpusError:
        return members.refusal(self.path, name, what, **options)
