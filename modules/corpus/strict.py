"""What `--strict` refuses: whatever would else be passed over or dropped."""

from collections.abc import Mapping, Sequence

from modules.corpus.detection import Reading
from modules.corpus.members import METADATA
from modules.errors import CorpusError

_NAMED = 3  # of what is refused together


def check_passed_over(path: str, reasons: Mapping[str, str]) -> None:
    """Raises CorpusError if members of the archive at a path are passed over, for some reasons.

    What file managers leave is no loss: no zip that macOS makes is without it.
    """
    lost = {name: reason for name, reason in reasons.items() if reason != METADATA}
    if not lost:
        return
    named = [f"{name!r} ({reason})" for name, reason in sorted(lost.items())]
    raise CorpusError(
        "{path} holds what is not read, which {strict} refuses: {named}: take it out, or give "
        "{strict:False} to pass it over",
        {"strict": True},
        path=path,
        named=first_of(named),
    )


def check_dropped(reading: Reading) -> None:
    """Raises CorpusError if characters are dropped."""
    if not reading.dropped:
        return
    counts = [f"{count} U+{ord(found):04X}" for found, count in reading.dropped.most_common()]
    raise CorpusError(
        "holds {counts}, to drop which {strict} refuses: take them out, or give {strict:False}",
        {"strict": True},
        counts=", ".join(counts),
    )


def first_of(named: Sequence[str]) -> str:
    """The first few of what is refused together, and how many more there are."""
    more = [f"and {len(named) - _NAMED} more"] * (len(named) > _NAMED)
    return ", ".join([*named[:_NAMED], *more])
