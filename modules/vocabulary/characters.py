"""What counts as a character of the vocabulary. No TensorFlow here."""

from dataclasses import dataclass
from typing import Literal

from modules.checks import Options, check_range, option

Newline = Literal["keep", "space"]

VOCABULARY = "vocabulary"  # the key of these options in the custom_config of components


@dataclass(frozen=True)
class VocabularyOptions(Options, group="Vocabulary"):
    """What counts as a character of the vocabulary."""

    vocabulary_splits: Literal["train", "all"] = option("train", "Where characters are counted.")
    newline: Newline = option("keep", "Keep newlines, or read them as spaces, as the book does.")
    min_count: int = option(1, "Characters seen less often are <unk>.", low=1)
    max_vocab_size: int = option(
        0,
        "Most entries, <unk> included, the most frequent first; 0 keeps all.",
        low=0,
        high=2**31 - 1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_vocab_size:
            check_range("max_vocab_size", self.max_vocab_size, 2)
