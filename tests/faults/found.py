"""What a fault is, and what is found after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass
class Found:
    """What came of a fault, or of several at once.

    Attributes:
        did: what was done, in a few words.
        injected: how many faults that were.
        lost: what should have survived, or been refused in one line, and was not: a sentence each.
        left: what was left behind.
    """

    did: str
    injected: int = 1
    lost: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: in the table.
        inject: does it in a place that is made for its family, as the random numbers say.
        short: the seed with which it is cheap enough for `make test`; None if it never is.
    """

    name: str
    inject: Callable[[Any, Random], Found]
    short: str | None = None
