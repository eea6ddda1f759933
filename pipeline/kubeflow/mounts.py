"""Where KFP's launcher lays the artifacts of a step: `minio://bucket/key` at `/minio/bucket/key`.

It downloads the inputs there before the step's command and uploads the outputs from there after
it, so a step needs neither a cloud's file system nor credentials.
"""

import os
from dataclasses import dataclass

_FOLDERS = {"gs://": "gcs", "minio://": "minio", "s3://": "s3"}


@dataclass(frozen=True)
class Mounts:
    """The folders that KFP mounts into a step.

    Attributes:
        prefix: the directory that they are in, `/` in a container.
    """

    prefix: str = "/"

    def under(self, path: str) -> str:
        """Where a container's path lies."""
        return os.path.join(self.prefix, path.lstrip("/"))

    def path(self, uri: str) -> str:
        """Where the launcher lays what is at a URI.

        Raises:
            ValueError: if KFP stores nothing at such a URI.
        """
        for scheme, folder in _FOLDERS.items():
            if uri.startswith(scheme):
                return self.under(os.path.join(folder, uri.removeprefix(scheme)))
        raise ValueError(
            f"KFP lays nothing of {uri} into a step: submit the pipeline with a root of "
            f"{', '.join(_FOLDERS)}"
        )

    def uri(self, path: str) -> str:
        """The URI of what lies at a path; the path itself where that is not the launcher's."""
        for scheme, folder in _FOLDERS.items():
            mount = os.path.join(self.under(folder), "")
            if path.startswith(mount):
                return scheme + path.removeprefix(mount)
        return path
