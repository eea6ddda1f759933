"""What can go wrong in a way that its user can mend.

Every message says what happened, what was found, what was expected and what to do.
The command line prints it as one line and exits with status 1. Any other exception is a
bug and keeps its traceback.

    LyricsError
    ├── ConfigError    an option, or a combination of options, makes no sense
    ├── CorpusError    the archives cannot be read as lyrics
    ├── WindowError    a split is too short for the windows asked of it
    ├── TrainingError  the training diverges, or cannot be done on this machine
    └── ServingError   a server cannot be started, reached or satisfied
        ├── ServerUnavailable  nobody answers
        ├── ServerOverloaded   its queues are full
        ├── DeadlineExceeded   no answer in time
        ├── ModelNotReady      the model was not there in time
        ├── ModelNotFound      the server has no such model, version or label
        ├── WrongModel         the model cannot do what was asked
        └── InvalidRequest     what was asked makes no sense
"""

from ast import literal_eval
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Protocol


class Spelling(Protocol):
    """How an option is written."""

    def __call__(self, name: str, *value: Any) -> str:
        """With a value, or without."""


def in_python(name: str, *value: Any) -> str:
    """`num_steps=0`; without a value `num_steps`."""
    return "=".join([name, *map(_written, value)])


def _written(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes
        return f"<{type(value).__name__}>"


class LyricsError(Exception):
    """A failure that the user can mend; the root of the tree.

    Where it is about options, their user reads of them as he gave them, as `num_steps=0` from
    Python and as `--num-steps 0` on the command line. So the sentence leaves a place for each:

        LyricsError("{num_steps} is too few: give {num_steps:1}, or more {stride.name}", vars(self))

    Args:
        sentence: what to say. `{name}` stands for an option and its value, `{name:value}` for it
            and another value, `{name.name}` for what it is called.
        options: values by name; without any the sentence is said as it is.
        **words: what else has a place in the sentence.

    Attributes:
        about: what is said before the sentence, such as which file it is about.
    """

    about = ""

    def __init__(
        self, sentence: str, options: Mapping[str, Any] | None = None, **words: object
    ) -> None:
        super().__init__(sentence)
        self._options = options
        self._words = words

    def __str__(self) -> str:
        return self.said(in_python)

    def said(self, spell: Spelling) -> str:
        """The sentence, with its options as `spell` writes them."""
        sentence = str(self.args[0])
        if self._options is None:
            return self.about + sentence
        named = {name: _Named(name, value, spell) for name, value in self._options.items()}
        return self.about + sentence.format_map({**named, **self._words})


class _Named:
    """An option in a sentence."""

    def __init__(self, name: str, value: Any, spell: Spelling) -> None:
        self._value, self._spell = value, partial(spell, name)
        self.name = spell(name)

    def __format__(self, value: str) -> str:
        if not value:
            return self._spell(self._value)
        try:
            return self._spell(literal_eval(value))
        except (ValueError, SyntaxError):  # a word
            return self._spell(value)


class ConfigError(LyricsError, ValueError):
    """An option, or a combination of options, makes no sense."""


class CorpusError(LyricsError):
    """The archives cannot be read as lyrics."""


class WindowError(LyricsError):
    """A split is too short for the windows asked of it."""


class StorageError(LyricsError):
    """There is no room to write, or what was written is damaged."""


class TrainingError(LyricsError):
    """The training diverges, or cannot be done on this machine."""


class ServingError(LyricsError):
    """A server cannot be started, reached or satisfied."""


class ServerUnavailable(ServingError):
    """Nobody answers, even after retries."""


class ServerOverloaded(ServingError):
    """The server has more to do than it can queue."""


class DeadlineExceeded(ServingError):
    """The answer did not come in time."""


class ModelNotReady(ServingError):
    """The model was not there in the time that was given to it."""


class ModelNotFound(ServingError):
    """The server has no such model, version or label."""


class WrongModel(ServingError):
    """The model cannot do what was asked: it is of another task, or too old."""


class InvalidRequest(ServingError):
    """What was asked makes no sense."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it came from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
