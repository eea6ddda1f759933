"""Google's store, as Arrow reads it.

gcsfs would be fsspec's own, but the releases that go with s3fs want a google-cloud-storage that
Beam does not allow.
"""

from datetime import timedelta
from typing import Any

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileSelector, GcsFileSystem


class GoogleFiles(ArrowFSWrapper):
    """Objects in buckets; folders are what their names have before a `/`.

    Args:
        seconds: for which to try again.
    """

    cachable = False

    def __init__(self, seconds: float) -> None:
        super().__init__(GcsFileSystem(retry_time_limit=timedelta(seconds=seconds)))

    def find(self, path: str, maxdepth: int | None = None, **options: Any) -> dict[str, dict]:
        """The files in a folder, with details; Arrow would pass over folders within it."""
        selector = FileSelector(self._strip_protocol(path), recursive=maxdepth != 1)
        return {
            info.path: {"type": "file" if info.is_file else "directory", "size": info.size}
            for info in self.fs.get_file_info(selector)
        }
