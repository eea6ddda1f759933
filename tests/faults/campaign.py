"""A campaign of faults: `python -m tests.faults.campaign --seed 7 --minutes 20`.

Draws faults by its seed until its minutes are spent, of runs and of a server by turns. Says of each
what came of it, and in the end, of each kind, how many were injected, survived (or refused in one
line), lost, and left something behind. The status is 1 if any did.
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
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import runs, servers
from tests.faults.found import Found, Kind

_COLUMNS = "{:38} {:>8} {:>8} {:>5} {:>11}"
FAMILIES = (runs, servers)  # each with the KINDS of its faults, and a place where they are injected


def drawn(kinds: Sequence[Kind], seed: int) -> Iterator[tuple[Kind, str]]:
    """Kinds without end, each with the seed of its fault: all of them once, then all again."""
    for turn in itertools.count():
        for kind in Random(f"{seed}/{turn}").sample(kinds, len(kinds)):
            yield kind, f"{seed}/{turn}/{kind.name}"


def inject(kind: Kind, place: Any, seed: str) -> Found:
    """Injects a fault; a campaign that stumbles over it itself goes on."""
    try:
        return kind.inject(place, Random(seed))
    except Exception as error:
        traceback.print_exc()
        return Found("the campaign itself failed", lost=[f"{type(error).__name__}: {error}"])


def campaign(directory: Path, options: argparse.Namespace) -> Iterator[tuple[Kind, Found]]:
    """Injects faults until the time is spent; yields what came of each."""
    end = time.monotonic() + 60 * options.minutes
    with ExitStack() as stack:
        turns = []
        for family in FAMILIES:
            if kinds := [kind for kind in family.KINDS if options.only in kind.name]:
                place = stack.enter_context(family.place(directory / family.__name__))
                turns.append((place, drawn(kinds, options.seed)))
        for place, kinds in itertools.cycle(turns):
            if time.monotonic() > end:
                return
            kind, seed = next(kinds)
            yield kind, inject(kind, place, seed)


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
    start, found = time.monotonic(), []
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # some faults are those of another user
        for kind, one in campaign(Path(directory), options):
            found.append((kind, one))
            print(_line(time.monotonic() - start, kind, one), flush=True)
    minutes = (time.monotonic() - start) / 60
    print(f"\nseed {options.seed}, {minutes:.0f} minutes", *table(found), sep="\n")
    return int(any(one.lost or one.left for _, one in found))


if __name__ == "__main__":
    sys.exit(main())
