"""What the serving benchmark's contestants do, all of them the same: write characters.

It needs the standard library only.
"""

from dataclasses import dataclass

NUM_HIDDENS = 256
VOCAB_SIZE = 1_027  # of the book's text, `<unk>` included
PREFIX = "分开"


@dataclass(frozen=True)
class Writing:
    """So many characters after each prefix, the likeliest each time.

    Attributes:
        cell: "rnn", "gru" or "lstm".
        model: directory that `benchmarks.served_model.export` has written.
        num_chars: characters to write after each prefix.
        batch_size: prefixes.
        repeats: how often that is done.
        xla: whether it is compiled.
        target: `host:port` of a server of the model, for those that ask one.
    """

    cell: str
    model: str
    num_chars: int = 50
    batch_size: int = 1
    repeats: int = 1
    xla: bool = False
    target: str = ""

    @property
    def characters(self) -> int:
        """Written in all."""
        return self.num_chars * self.batch_size * self.repeats
