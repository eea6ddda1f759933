"""What counts as a character of the vocabulary. No TensorFlow here."""

from dataclasses import dataclass
from typing import Literal, get_args

from modules.checks import check_choice, check_range

Newline = Literal["keep", "space"]
VocabularySplits = Literal["train", "all"]

VOCABULARY = "vocabulary"  # the key of these options in the custom_config of components


@dataclass(frozen=True)
class VocabularyOptions:
    """What counts as a character of the vocabulary.

    Attributes:
        vocabulary_splits: where it is looked for: in the `train` split, or in `all`.
        newline: `keep` it as a character, or read it as a `space`, as the book does.
        min_count: characters seen less often in the analysed splits are `<unk>`.
        max_vocab_size: keep so many entries at most, `<unk>` included, the most frequent first;
            0 keeps all.
    """

    vocabulary_splits: VocabularySplits = "train"
    newline: Newline = "keep"
    min_count: int = 1
    max_vocab_size: int = 0

    def __post_init__(self) -> None:
        check_choice("vocabulary_splits", self.vocabulary_splits, get_args(VocabularySplits))
        check_choice("newline", self.newline, get_args(Newline))
        check_range("min_count", self.min_count, 1)
        if self.max_vocab_size:
            check_range("max_vocab_size", self.max_vocab_size, 2)
