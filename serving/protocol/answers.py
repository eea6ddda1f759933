"""What a served model answers, as the clients return it. No TensorFlow here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Generated:
    """A text that the model wrote on.

    Attributes:
        text: the prefix and what follows it.
        log_probability: of all that follows, in nats, under the model's own distribution,
            whatever the temperature.
        unknown: the characters of the prefix that the model does not know, each once.
    """

    text: str
    log_probability: float
    unknown: str = ""


@dataclass(frozen=True)
class ScoredCharacter:
    """How likely the model finds one character of a text.

    Attributes:
        character: the character.
        log_probability: in nats; its negative is how surprising the character is.
        rank: among all characters, 1 is the likeliest in its place.
    """

    character: str
    log_probability: float
    rank: int


@dataclass(frozen=True)
class Score:
    """How likely the model finds a text.

    Attributes:
        nats: summed negative log-likelihood.
        characters: how many characters were scored.
        perplexity: exp(nats / characters).
        scored: every character of the text; none of a fill-in model.
        unknown: the characters of the text that the model does not know, each once.
    """

    nats: float
    characters: int
    perplexity: float
    scored: tuple[ScoredCharacter, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class Candidate:
    """A character that may be the missing one, or the next.

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
        unknown: the characters of the text that the model does not know, each once.
    """

    text: str
    blanks: list[list[Candidate]]
    unknown: str = ""


@dataclass(frozen=True)
class State:
    """How far some texts have been read and written: all that a server needs to write on.

    Attributes:
        tensors: TensorProtos by their names, exactly as they came.
        version: of the model, the only one that can go on from here.
    """

    tensors: Mapping[str, Any]
    version: int


@dataclass(frozen=True)
class Resumed:
    """What was written from a state on.

    Attributes:
        texts: of each row, only what is new.
        log_probabilities: of what is new, in nats.
        finished: of each row, whether its stop string came up: nothing follows it.
        state: to go on from.
    """

    texts: list[str]
    log_probabilities: list[float]
    finished: list[bool]
    state: State


@dataclass(frozen=True)
class VersionStatus:
    """How one version of a model stands.

    Attributes:
        version: its number.
        state: UNKNOWN, START, LOADING, AVAILABLE, UNLOADING or END.
        error: why it could not be loaded; empty where nothing is wrong.
    """

    version: int
    state: str
    error: str

    def __str__(self) -> str:
        return f"version {self.version} is {self.state}" + (
            f" ({self.error})" if self.error else ""
        )


@dataclass(frozen=True)
class Signature:
    """What a signature takes and gives.

    Attributes:
        inputs: types by name, such as `string` and `int32`.
        outputs: the same.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]


@dataclass(frozen=True)
class Metadata:
    """What the model is.

    Attributes:
        version: that answered.
        signatures: by name.
    """

    version: int
    signatures: dict[str, Signature]
