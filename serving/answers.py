"""What a served model answers. Needs no TensorFlow, unlike the client that asks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """How likely the model finds a text.

    Attributes:
        nats: summed negative log-likelihood.
        characters: how many characters were scored.
        perplexity: exp(nats / characters).
    """

    nats: float
    characters: int
    perplexity: float


@dataclass(frozen=True)
class Candidate:
    """A character that may be the missing one.

    Attributes:
        character: the character.
        probability: that it is the one, from 0 to 1.
    """

    character: str
    probability: float


@dataclass(frozen=True)
class Filled:
    """What is missing in a text.

    Attributes:
        text: with the likeliest character in each blank.
        blanks: the candidates for each, the likeliest first.
    """

    text: str
    blanks: list[list[Candidate]]
