"""Writes a text in chunks over a server that keeps no state. No TensorFlow here.

The state of the network travels with every request, and draws depend on the seed and the place in
the text alone, so that the pieces together are the text that `generate` writes in one.
"""

from typing import TYPE_CHECKING, Any

from modules import contract
from modules.errors import ModelNotFound
from serving.protocol import calls
from serving.protocol.answers import Resumed, State
from serving.protocol.arguments import as_integer, as_text
from serving.protocol.calls import Call

if TYPE_CHECKING:
    from typing_extensions import Unpack

_LONGEST = 2**63 - 1  # characters: so many can be counted
CHUNK = 16  # characters: few enough to be seen coming, many enough to be worth a call


class Stream:
    """What to ask, one call after the other, and what to make of the answers.

    The version that read the prefix is the one that writes on. Where the server lets go of it on
    the way, the next version reads what there is so far and writes on from there.
    """

    def __init__(self, prefix: str, chunk: int, **options: "Unpack[calls.Options]") -> None:
        """Nothing is asked yet.

        Args:
            prefix: what to continue.
            chunk: characters that a call writes.
            **options: as of `generate`; `num_chars` is for all calls together.

        Raises:
            InvalidRequest: if one of them makes no sense.
        """
        num_chars = options.pop("num_chars", contract.OPTIONS[contract.NUM_CHARS])
        self._left = as_integer(contract.NUM_CHARS, num_chars, 0, _LONGEST)
        self._text = as_text(contract.PREFIX, prefix)
        self._chunk = as_integer("chunk", chunk, 1, _LONGEST)
        self._options: dict[str, Any] = calls.checked(options)
        self._state: State | None = None
        self._position: Any = None

    def next_call(self) -> Call[State | Resumed] | None:
        """The call to make; None at the end."""
        if self._left <= 0:
            return None
        if self._state is None:
            return calls.start([self._text])
        num_chars = min(self._chunk, self._left)
        return calls.resume(self._state, **{**self._options, contract.NUM_CHARS: num_chars})

    def take(self, answer: State | Resumed) -> str:
        """What the answer adds to the text."""
        if isinstance(answer, State):
            position = {contract.POSITION: self._position} if self._position is not None else {}
            self._state = State({**answer.tensors, **position}, answer.version)
            return ""
        self._state = answer.state
        self._position = answer.state.tensors[contract.POSITION]
        (piece,), (finished,) = answer.texts, answer.finished
        self._text += piece
        self._left = 0 if finished else self._left - min(self._chunk, self._left)
        return piece

    def read_anew(self, error: ModelNotFound) -> None:
        """Lets the version of now read the text so far, the one that wrote it being gone.

        Raises:
            ModelNotFound: the error, if that has just been tried.
        """
        if self._state is None:
            raise error
        self._state = None
