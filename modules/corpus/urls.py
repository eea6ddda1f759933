"""Files that are at an `http://` or `https://` address."""

import shutil
import tempfile
from typing import Any
from urllib.request import urlopen

SECONDS = 60  # without a byte, after which a server is given up


def is_url(path: str) -> bool:
    """Whether it is such an address."""
    return path.lower().startswith(("http://", "https://"))


def download(url: str) -> Any:
    """Its bytes in a temporary file, for a zip is read from its end.

    Raises:
        OSError: if they cannot be had.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with urlopen(url, timeout=SECONDS) as response:
        shutil.copyfileobj(response, file)
    file.seek(0)
    return file
