"""Configuration files, which are short. No TensorFlow here."""

import errno
from pathlib import Path

LARGEST = 2**20  # bytes: a thousand models with all their versions and labels have less


def read(path: str | Path) -> str:
    """The text of a file; its end need not be there, as of `/dev/zero`.

    Raises:
        OSError: if it cannot be read, or is longer than LARGEST.
        UnicodeDecodeError: if it is not UTF-8.
    """
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, f"Over {LARGEST:,} bytes, which no such file has", str(path))
    return content.decode("utf-8")
