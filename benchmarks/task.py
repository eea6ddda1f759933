"""What the contestants do: all of them the same. It needs the standard library only."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Task:
    """Training steps on one corpus; sizes and optimiser are those of the book's chapter 6.

    Attributes:
        cell: "rnn", "gru" or "lstm".
        precision: of the products, "float32" or "bfloat16".
        steps: how many at a time.
        ids: file of the corpus, int64[characters] as NumPy saves it.
        optimizer: "sgd" or "adam", of clipped gradients.
        embedding_size: of the characters; 0 is one-hot vectors, as in the book. Contestants that
            have it their own way do not look at it.
        batch_size: sequences in a minibatch; minibatches are consecutive.
        num_steps: characters of a sequence.
        num_hiddens: units of the one recurrent layer.
        vocab_size: every id is below it.
        learning_rate: of the optimiser.
        clip_norm: gradients are scaled down to this global norm.
    """

    cell: str
    precision: str = "float32"
    steps: int = 24
    ids: str = field(default="", compare=False)
    optimizer: str = "sgd"
    embedding_size: int = 0
    batch_size: int = 32
    num_steps: int = 35
    num_hiddens: int = 256
    vocab_size: int = 1_027
    learning_rate: float = 1e2
    clip_norm: float = 1e-2

    @property
    def characters(self) -> int:
        """Predicted in all the steps."""
        return self.steps * self.batch_size * self.num_steps
