"""Which kind of archive a path leads to."""

from modules.corpus.archives import Archive
from modules.corpus.files import LOCAL, Files, own_name
from modules.corpus.folders import Folder


def open_archive(path: str, max_ratio: float, files: Files = LOCAL) -> Archive | Folder:
    """A folder, a single text, or else a zip.

    Args:
        path: where it lies.
        max_ratio: of a zip's member's bytes to its packed bytes.
        files: where the path leads.

    Raises:
        CorpusError: if it is none of these.
    """
    if files.is_folder(path) or own_name(path).lower().endswith(".txt"):
        return Folder(path, files)
    return Archive(path, max_ratio, files)
