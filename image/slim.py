"""Removes from an environment what image/unneeded.txt names, and strips libraries of symbols.

Run it with the environment's own Python, which has to have no bytecode yet.
"""

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

UNNEEDED = Path(__file__).with_name("unneeded.txt")


def patterns() -> list[str]:
    """The patterns in unneeded.txt, in its order."""
    lines = UNNEEDED.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def _remove(path: Path) -> int:
    """Removes a file or folder, and says how many bytes it was."""
    size = _size(path)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return size


def _libraries(site_packages: Path) -> Iterator[Path]:
    """Shared libraries, but those in `*.libs`: auditwheel has laid them out anew."""
    for path in site_packages.rglob("*.so*"):
        if path.is_file() and not any(part.endswith(".libs") for part in path.parts):
            yield path


def _strip(library: Path) -> int:
    """Takes away symbols that the loader does not need, and says how many bytes they were."""
    before = library.stat().st_size
    subprocess.run(["strip", "--strip-unneeded", library], check=True)
    return before - library.stat().st_size


def main(site_packages: Path) -> None:
    """Slims an environment, and prints the megabytes that are gone for each pattern."""
    for pattern in patterns():
        # A folder of tests may hold another: sorted, the outer one goes first.
        found = (path for path in sorted(site_packages.glob(pattern)) if path.exists())
        print(f"{sum(map(_remove, found)) / 1e6:7.1f} MB  {pattern}")
    stripped = sum(map(_strip, list(_libraries(site_packages))))
    print(f"{stripped / 1e6:7.1f} MB  symbols of shared libraries")


if __name__ == "__main__":
    main(Path(sysconfig.get_path("purelib")))
