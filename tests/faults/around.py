"""What is done before and after every fault of a run."""

from random import Random

from tests.faults.command import Ended
from tests.faults.found import Found
from tests.faults.root import CHANGED, Root


def begin(root: Root, random: Random) -> tuple[str, ...]:
    """A root of no run yet, or of a finished one; and what to tell a run that has work there."""
    if random.random() < 0.3:
        root.fresh()
        return ()
    root.finished()
    return (CHANGED,)


def named(options: tuple[str, ...]) -> str:
    return "a further run" if options else "a first run"


def goes_on(
    root: Root,
    options: tuple[str, ...],
    done: frozenset[str] = frozenset(),
    before: tuple[str, ...] = (),
    figures: bool = True,
) -> Found:
    """Runs the same command without any fault."""
    ended = root.run(*options, before=before)
    return Found("", lost=root.lost(ended, done, figures), left=root.left())


def refused_or_survived(root: Root, ended: Ended) -> list[str]:
    return root.lost(ended) if ended.status == 0 else ended.unlike_a_refusal()
