"""What became of a corpus: what of it was read, held out, passed over and dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.corpus.holdout import Piece
from modules.corpus.reader import Corpus
from modules.features import EVAL, TRAIN


@dataclass(frozen=True)
class Account:
    """The figures of a corpus.

    Attributes:
        songs: how many documents were read.
        characters: in them.
        held_out_songs: how many of them are held out, in part or whole.
        held_out_characters: in what is held out.
        passed_over: how many members were not read, by the reason.
        dropped: how many characters were not read, by code point, such as `U+FEFF`.
        copies: how many songs are copies of others, or nearly.
        known_songs: how many of those held out have a copy in the training text.
        opening: how the first song begins, which tells whether the encoding is the right one.
    """

    songs: int
    characters: int
    held_out_songs: int
    held_out_characters: int
    passed_over: dict[str, int]
    dropped: dict[str, int]
    opening: str
    copies: int = 0
    known_songs: int = 0


def account_of(corpus: Corpus, pieces: Sequence[Piece], originals: Mapping[int, int]) -> Account:
    """The account of a corpus that was cut into pieces."""
    held_out = [piece for piece in pieces if piece.split == EVAL]

    def families(split: str) -> list[int]:
        indices = {piece.document_index for piece in pieces if piece.split == split}
        return [originals.get(index, index) for index in indices]

    trained_on = {*families(TRAIN)} if originals else set()  # of a text that is cut in two, no
    return Account(
        songs=len(corpus.documents),
        characters=sum(document.characters for document in corpus.documents),
        held_out_songs=len({piece.document_index for piece in held_out}),
        held_out_characters=sum(piece.stop - piece.start for piece in held_out),
        passed_over=corpus.passed_over,
        dropped={f"U+{ord(found):04X}": count for found, count in corpus.dropped.items()},
        opening=corpus.opening,
        copies=len(originals),
        known_songs=sum(family in trained_on for family in families(EVAL)),
    )
