"""Texts that are not packed: folders of them, and single ones."""

import os
import re
from collections.abc import Iterator
from functools import cached_property

from modules.corpus import members
from modules.corpus.files import CHUNK, LOCAL, Files, own_name, readable
from modules.corpus.members import refusal
from modules.errors import CorpusError

_NO_UTF8 = re.compile("[\udc80-\udcff]")  # how Python stands in for such bytes in a name


class Folder:
    """A folder of texts, however deep in it they lie, or a single text; read as an Archive is.

    Args:
        path: of the folder or the text.
        files: where the path leads.
    """

    def __init__(self, path: str, files: Files = LOCAL) -> None:
        self.path = path
        self._files = files

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes nothing: a text is open only while it is read."""

    @cached_property
    def texts(self) -> dict[str, str]:
        """The paths of the `.txt` files by name, in name order; names are in NFC, with `/`.

        Raises:
            CorpusError: if there is no text, or any file is refused.
        """
        if not self._files.is_folder(self.path):
            return {own_name(self.path): self.path}
        found = {name: path for name, path in self._all.items() if name not in self.passed_over}
        if not found:
            raise CorpusError(
                f"{self.path} holds no .txt file ({len(self._all)} others): "
                "add texts with names that end in .txt, or give a zip of them"
            )
        return found

    @cached_property
    def passed_over(self) -> dict[str, str]:
        """Why each other file is not read, by name.

        Raises:
            CorpusError: if any file is refused.
        """
        reasons = {name: members.why_not_read(name) for name in self._all}
        for name in reasons:
            if reasons[name] == members.OTHER_KIND and members.is_archive(name):
                raise refusal(
                    self.path,
                    name,
                    "is an archive in a folder, of which only the .txt files are read: unpack it, "
                    "or give a pattern that matches the archives alone",
                )
        return {name: reason for name, reason in reasons.items() if reason}

    def read(self, name: str, max_bytes: int | None = None) -> Iterator[bytes]:
        """The bytes of a text, in chunks.

        Args:
            name: a key of `texts`.
            max_bytes: what is left of the corpus's limit, where it is to be kept.

        Raises:
            CorpusError: if it cannot be read, is an archive, or past the limit.
        """
        size, path = 0, self.texts[name]
        with readable(path), self._files.open(path) as file:
            while chunk := file.read(CHUNK):
                if not size and chunk.startswith(members.ARCHIVE_MAGIC):
                    raise refusal(self.path, name, "is an archive, not a text: name it as one")
                size += len(chunk)
                if max_bytes is not None and size > max_bytes:
                    raise refusal(
                        self.path,
                        name,
                        "takes the corpus over {max_bytes.name}: take texts out, or raise "
                        "{max_bytes.name}",
                        max_bytes=max_bytes,
                    )
                yield chunk

    @cached_property
    def _all(self) -> dict[str, str]:
        """The paths of all files by name, in name order."""
        found: dict[str, str] = {}
        if not self._files.is_folder(self.path):
            return found
        for path in self._files.walk(self.path):
            raw = os.path.relpath(path, self.path)
            name = members.inner_path(raw)
            if name is None or _NO_UTF8.search(name):
                what = "has a name that is not UTF-8, or leads out of the folder: rename it"
                raise refusal(self.path, raw, what)
            if name in found:
                raise refusal(self.path, name, "is there twice: keep one of the two")
            found[name] = path
        return dict(sorted(found.items()))
