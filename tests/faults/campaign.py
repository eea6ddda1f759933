"""A campaign of faults: `python -m tests.faults.campaign --seed 7 --minutes 20`.

Draws faults by its seed until its minutes are spent: those of runs in one lane, those of a server
in another. Says of each what came of it, and in the end, of each kind, how many were injected,
survived (or refused in one line), lost, and left something behind. The status is 1 if any did.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import runs, servers
from tests.faults.found import Found, Kind

_COLUMNS = "{:38} {:>8} {:>8} {:>5} {:>11}"


@dataclass(frozen=True)
class Lane:
    """A family of faults.

    Attributes:
        name: of it.
        kinds: its kinds of faults.
        place: makes, below a directory, where they are injected.
    """

    name: str
    kinds: tuple[Kind, ...]
    place: Any


LANES = (
    Lane("runs", runs.KINDS, runs.place),
    Lane("servers", servers.KINDS, servers.place),
)


def drawn(kinds: Sequence[Kind], seed: int, only: str) -> Iterator[tuple[Kind, str]]:
    """Kinds without end, each with the seed of its fault: all of them once, then all again."""
    kinds = [kind for kind in kinds if only in kind.name]
    for turn in itertools.count() if kinds else ():
        for kind in Random(f"{seed}/{turn}").sample(kinds, len(kinds)):
            yield kind, f"{seed}/{turn}/{kind.name}"


def inject(kind: Kind, place: Any, seed: str) -> Found:
    """Injects a fault; a campaign that stumbles over it itself goes on."""
    try:
        return kind.inject(place, Random(seed))
    except Exception as error:
        traceback.print_exc()
        return Found("the campaign itself failed", lost=[f"{type(error).__name__}: {error}"])


def campaign(lane: Lane, directory: Path, options: argparse.Namespace) -> list[tuple[Kind, Found]]:
    """Injects faults of a family until the time is spent."""
    start, found = time.monotonic(), []
    with lane.place(directory) as place:
        for kind, seed in drawn(lane.kinds, options.seed, options.only):
            if time.monotonic() - start > 60 * options.minutes:
                break
            found.append((kind, inject(kind, place, seed)))
            print(_line(time.monotonic() - start, *found[-1]), flush=True)
    return found


def _line(seconds: float, kind: Kind, found: Found) -> str:
    troubles = [*(f"LOST {one}" for one in found.lost), *(f"LEFT {one}" for one in found.left)]
    outcome = "; ".join(f"{count} × {one}" for one, count in Counter(troubles).items())
    return f"{seconds:7.1f} s  {kind.name}: {found.did}: {outcome or 'survived'}"


def table(found: Sequence[tuple[Kind, Found]]) -> Iterator[str]:
    """The figures of each kind."""
    yield _COLUMNS.format("kind of fault", "injected", "survived", "lost", "left behind")
    for kind in dict.fromkeys(kind for kind, _ in found):
        those = [one for of, one in found if of is kind]
        injected, lost = sum(one.injected for one in those), sum(len(one.lost) for one in those)
        left = sum(len(one.left) for one in those)
        yield _COLUMNS.format(kind.name, injected, max(0, injected - lost), lost, left)


def main() -> int:
    """Runs a campaign; returns the status to end with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--minutes", type=float, default=15, help="after which no further begins")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own words are no figures
    start = time.monotonic()
    lanes = [lane for lane in LANES if any(options.only in kind.name for kind in lane.kinds)]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(len(LANES)) as pool:
        Path(directory).chmod(0o755)  # some faults are those of another user
        places = [Path(directory, lane.name) for lane in lanes]
        found = [*itertools.chain(*pool.map(campaign, lanes, places, itertools.repeat(options)))]
    minutes = (time.monotonic() - start) / 60
    print(f"\nseed {options.seed}, {minutes:.0f} minutes", *table(found), sep="\n")
    return int(any(one.lost or one.left for _, one in found))


if __name__ == "__main__":
    sys.exit(main())
