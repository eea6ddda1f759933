"""What to send for each signature, and what to make of the answer. No TensorFlow here.

The clients differ only in how they wait: both send these calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

from modules import contract
from modules.errors import ServingError, WrongModel
from serving.protocol.answers import (
    Candidate,
    Filled,
    Generated,
    Resumed,
    Score,
    ScoredCharacter,
    State,
)
from serving.protocol.arguments import as_texts, as_value
from serving.protocol.protos import predict_pb2, tensor_pb2, types_pb2
from serving.protocol.tensors import to_array, to_proto

if TYPE_CHECKING:
    from typing_extensions import Unpack  # Python 3.10 has none of its own

Answer = TypeVar("Answer", covariant=True)

_DTYPES = {
    name: types_pb2.DataType.Value(f"DT_{dtype.upper()}") for name, dtype in contract.DTYPES.items()
}
_ANSWERED = {*_DTYPES.values(), types_pb2.DT_BOOL}
# A model that was pushed before options could be left out has these, and needs them.
_FIRST_OPTIONS = {contract.NUM_CHARS, contract.TEMPERATURE, contract.TOP_K, contract.SEED}


class Options(TypedDict, total=False):
    """How to write; `contract.OPTIONS` has the defaults.

    Attributes:
        num_chars: characters to append.
        temperature: 0 is greedy; 1 is the model's own distribution.
        top_k: draw from the k likeliest characters; 0 is from all.
        top_p: draw from the likeliest characters that together have this probability.
        repetition_penalty: above 1, what was written lately becomes less likely.
        seed: the same seed draws the same characters, in every row.
        stop: write nothing after this string; "" is none.
    """

    num_chars: int
    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    seed: int
    stop: str


class Response:
    """The answer to a call; of a batch of no rows, which is not worth asking for, an empty one."""

    def __init__(self, proto: predict_pb2.PredictResponse | None = None) -> None:
        proto = proto or predict_pb2.PredictResponse()
        self.outputs: Mapping[str, tensor_pb2.TensorProto] = proto.outputs
        self.version: int = proto.model_spec.version.value

    def column(self, name: str) -> list:
        """An output's values, one for each row; nothing where it is absent.

        Raises:
            ServingError: if it is something that no signature of this project has.
        """
        return _values(self.outputs[name]) if name in self.outputs else []

    def texts(self, name: str) -> list[str]:
        """An output of strings."""
        return [text.decode() for text in self.column(name)]

    def unknown(self) -> Iterator[str]:
        """Of each row the characters that the model does not know, each once.

        Where the model is of before it told them, there are none.
        """
        told = self.texts(contract.UNKNOWN_CHARACTERS)
        return chain(("".join(dict.fromkeys(characters)) for characters in told), repeat(""))


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request for one signature.

    Attributes:
        signature_name: whom to ask.
        rows: how many rows the inputs have.
        inputs: by name.
        read: makes the answer of the response.
        version: the only one to ask; None is the one that the client was given.
    """

    signature_name: str
    rows: int
    inputs: Mapping[str, tensor_pb2.TensorProto]
    read: Callable[[Response], Answer]
    version: int | None = None


def generate(
    prefixes: Sequence[str], xla: bool = False, **options: "Unpack[Options]"
) -> Call[list[str]]:
    """The prefixes with what follows them."""
    texts = as_texts(contract.PREFIX, prefixes)
    return Call(
        contract.GENERATE_XLA if xla else contract.GENERATE,
        len(texts),
        _texts(contract.PREFIX, texts) | _chosen(options, len(texts)),
        lambda response: response.texts(contract.TEXT),
    )


def generate_scored(
    prefixes: Sequence[str], xla: bool = False, **options: "Unpack[Options]"
) -> Call[list[Generated]]:
    """The same, and how likely it is."""

    def read(response: Response) -> list[Generated]:
        texts, nats = response.texts(contract.TEXT), response.column(contract.LOG_PROBABILITY)
        if len(nats) < len(texts):
            raise WrongModel(
                f"the model cannot do this (it has no {contract.LOG_PROBABILITY}): "
                "serve one that this pipeline has pushed lately"
            )
        return list(map(Generated, texts, nats, response.unknown()))

    call = generate(prefixes, xla, **options)
    return Call(call.signature_name, call.rows, call.inputs, read)


def generate_beam(
    prefixes: Sequence[str], num_chars: int, width: int
) -> Call[list[list[Generated]]]:
    """The likeliest texts that a beam search finds, the best first."""
    texts = as_texts(contract.PREFIX, prefixes)
    options = {contract.NUM_CHARS: num_chars, contract.WIDTH: width}

    def read(response: Response) -> list[list[Generated]]:
        columns = map(response.column, (contract.TEXTS, contract.LOG_PROBABILITIES))
        rows = zip(zip(*columns, strict=True), response.unknown(), strict=False)
        return [
            [Generated(text.decode(), n, unknown) for text, n in zip(*row, strict=True) if text]
            for row, unknown in rows
        ]

    inputs = _texts(contract.PREFIX, texts) | _options(options, len(texts))
    return Call(contract.GENERATE_BEAM, len(texts), inputs, read)


def start(prefixes: Sequence[str]) -> Call[State]:
    """The state in which the prefixes have been read."""
    texts = as_texts(contract.PREFIX, prefixes)
    return Call(
        contract.START,
        len(texts),
        _texts(contract.PREFIX, texts),
        lambda response: State(dict(response.outputs), response.version),
    )


def resume(state: State, **options: "Unpack[Options]") -> Call[Resumed]:
    """What follows the state."""
    rows = state.tensors[contract.POSITION].tensor_shape.dim[0].size

    def read(response: Response) -> Resumed:
        tensors = {name: response.outputs[name] for name in state.tensors}
        return Resumed(
            response.texts(contract.TEXT),
            response.column(contract.LOG_PROBABILITY),
            response.column(contract.FINISHED),
            State(tensors, response.version),
        )

    inputs = {**state.tensors, **_chosen(options, rows)}
    return Call(contract.RESUME, rows, inputs, read, version=state.version)


def score(texts: Sequence[str]) -> Call[list[Score]]:
    """How likely each text is, and each of its characters."""
    texts = as_texts(contract.TEXT, texts)

    def read(response: Response) -> list[Score]:
        names = (contract.NATS, contract.CHARACTERS, contract.PERPLEXITY)
        rows = zip(texts, *map(response.column, names), strict=True)
        each = zip(*map(response.column, (contract.LOG_PROBABILITIES, contract.RANKS)), strict=True)
        nothing: tuple[list, list] = ([], [])  # a fill-in model tells of no single characters
        unknown = response.unknown()
        return [
            Score(
                nats,
                characters,
                perplexity,
                tuple(map(ScoredCharacter, text, *next(each, nothing))),
                next(unknown),
            )
            for text, nats, characters, perplexity in rows
        ]

    return Call(contract.SCORE, len(texts), _texts(contract.TEXT, texts), read)


def next_char(prefixes: Sequence[str], top_k: int) -> Call[list[list[Candidate]]]:
    """The likeliest next characters of each prefix."""
    texts = as_texts(contract.PREFIX, prefixes)
    inputs = _texts(contract.PREFIX, texts) | _options({contract.TOP_K: top_k}, len(texts))

    def read(response: Response) -> list[list[Candidate]]:
        columns = map(response.column, (contract.CANDIDATES, contract.PROBABILITIES))
        return [_candidates(*row) for row in zip(*columns, strict=True)]

    return Call(contract.NEXT_CHAR, len(texts), inputs, read)


def fill(texts: Sequence[str], top_k: int) -> Call[list[Filled]]:
    """What is missing in each text."""
    texts = as_texts(contract.TEXT, texts)
    inputs = _texts(contract.TEXT, texts) | _options({contract.TOP_K: top_k}, len(texts))

    def read(response: Response) -> list[Filled]:
        names = (contract.CANDIDATES, contract.PROBABILITIES)
        rows = zip(texts, response.texts(contract.TEXT), *map(response.column, names), strict=True)
        unknown = response.unknown()
        return [
            Filled(
                filled,
                list(map(_candidates, *ranked))[: text.count(contract.BLANK)],
                next(unknown),
            )
            for text, filled, *ranked in rows
        ]

    return Call(contract.FILL, len(texts), inputs, read)


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of `Options`, those that are not given by their defaults.

    Raises:
        TypeError: if there is no such option.
        InvalidRequest: if an option has no such value.
    """
    if unknown := options.keys() - contract.OPTIONS.keys():
        raise TypeError(f"no such option: {min(unknown)}; there are {', '.join(contract.OPTIONS)}")
    return {
        name: as_value(name, value, contract.DTYPES[name])
        for name, value in {**contract.OPTIONS, **options}.items()
    }


def _texts(name: str, texts: list[str]) -> dict[str, tensor_pb2.TensorProto]:
    """Texts as the one input, [B]."""
    return {name: to_proto([text.encode() for text in texts], _DTYPES[name])}


def _options(options: Mapping[str, Any], rows: int) -> dict[str, tensor_pb2.TensorProto]:
    """Of each option the same value in every row, [B]."""
    inputs = {}
    for name, given in options.items():
        value = as_value(name, given, contract.DTYPES[name])
        value = value.encode() if isinstance(value, str) else value
        inputs[name] = to_proto([value] * rows, _DTYPES[name])
    return inputs


def _values(proto: tensor_pb2.TensorProto) -> list:
    """Nested lists, as deep as the tensor; strings as bytes."""
    try:
        if proto.dtype not in _ANSWERED:
            raise ValueError(f"a tensor of {types_pb2.DataType.Name(proto.dtype)}")
        return to_array(proto).tolist()
    except ValueError as error:
        raise ServingError(
            f"the server answered with {error}: ask a model that this pipeline pushed"
        ) from error


def _chosen(options: Mapping[str, Any], rows: int) -> dict[str, tensor_pb2.TensorProto]:
    """Those to send, for every row: for many rows all, since TF Serving batches no default.

    For one row those do that differ from the defaults, or that every model needs.
    """
    return _options(
        {
            name: value
            for name, value in checked(options).items()
            if rows > 1 or name in _FIRST_OPTIONS or value != contract.OPTIONS[name]
        },
        rows,
    )


def _candidates(characters: list[bytes], probabilities: list[float]) -> list[Candidate]:
    """The ranked ones, without the empty ones that fill up their row."""
    ranked = zip(characters, probabilities, strict=True)
    return [Candidate(character.decode(), p) for character, p in ranked if character]
