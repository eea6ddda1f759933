"""What signatures take, and what they refuse."""

from collections.abc import Callable, Container, Mapping
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import Any, NamedTuple

import tensorflow as tf

from modules import contract
from modules.vocabulary.composition import is_utf8

# By name.
Tensors = dict[str, tf.Tensor]

_TEXTS = {contract.PREFIX, contract.TEXT, contract.RECENT, contract.STOP}


class Check(NamedTuple):
    """A sentence for the client, told where anything in `holds` is false."""

    holds: tf.Tensor
    sentence: str


def specs(*names: str) -> dict[str, tf.TensorSpec]:
    """Of these inputs, by name."""
    return {name: tf.TensorSpec([None], contract.DTYPES[name]) for name in names}


def signature(
    answer: Callable[[Tensors], Tensors],
    inputs: Mapping[str, tf.TensorSpec],
    *checks: Callable[[Tensors], list[Check]],
    defaults: Mapping[str, Any] = MappingProxyType({}),
    normalise: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> tf.types.experimental.PolymorphicFunction:
    """A function that can be a signature of a SavedModel.

    Args:
        answer: makes the outputs of the inputs, of which all have a value for each row.
        inputs: by name; the first has all the rows.
        checks: what the inputs must fulfil, see `_accept`.
        defaults: of the last of the inputs; one value, sent or not, will do for all rows. They are
            in the SignatureDef, so that TF Serving knows them too.
        normalise: makes the normal form of texts, string[B], before anything looks at them.
    """

    def parameter(name: str) -> Parameter:
        default = Parameter.empty
        if name in defaults:
            default = tf.constant([defaults[name]], inputs[name].dtype)
        return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default)

    def call(*values: tf.Tensor) -> Tensors:
        named = dict(zip(inputs, values, strict=True))
        named |= {name: normalise(value) for name, value in named.items() if name in _TEXTS}
        made = [made for check in checks for made in check(named)]
        return answer(_accept(named, made, defaults))

    call.__name__ = answer.__name__  # the node of a refusal is called by it
    call.__signature__ = Signature(list(map(parameter, inputs)))  # type: ignore[attr-defined]
    named_specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in inputs.items()]
    return tf.function(call, input_signature=named_specs, autograph=False)


def _accept(inputs: Tensors, checks: list[Check], optional: Container[str]) -> Tensors:
    """Refuses a request with INVALID_ARGUMENT and one sentence, or returns its inputs.

    Args:
        inputs: by name; the first has all the rows.
        checks: the first that does not hold is what the client is told.
        optional: the inputs of which one value will do for all rows.

    Returns:
        The inputs with a value for each row. Only what is made of them waits for the checks.
    """
    rows, *others = inputs
    size = tf.shape(inputs[rows])[0]
    for name in others:
        given = tf.shape(inputs[name])[0]
        fits = (given == size) | (given == 1) if name in optional else given == size
        checks = [*checks, Check(fits, f"{name} needs one value for each {rows}")]
    if not checks:
        return inputs
    holds = tf.stack([tf.reduce_all(check.holds) for check in checks])
    sentences = tf.constant([check.sentence for check in checks])
    # One operation for all: they cost as much as some characters.
    refuse = tf.raw_ops.Assert(
        condition=tf.reduce_all(holds), data=[sentences[tf.argmin(tf.cast(holds, tf.int32))]]
    )
    with tf.control_dependencies([refuse]):
        return {
            name: tf.broadcast_to(value, [size]) if name in optional else tf.identity(value)
            for name, value in inputs.items()
        }


def check_prefix(inputs: Tensors) -> list[Check]:
    """Refuses what cannot be written on."""
    return _check_texts(contract.PREFIX, inputs)


def check_lyric(inputs: Tensors) -> list[Check]:
    """Refuses what no lyric can be written to."""
    inputs = inputs | {
        contract.NUM_CHARS: tf.constant([contract.LYRIC_OPTIONS[contract.NUM_CHARS]])
    }
    return [*check_prefix(inputs), *_check_num_chars(inputs)]


def check_text(inputs: Tensors) -> list[Check]:
    """Refuses what cannot be scored."""
    return _check_texts(contract.TEXT, inputs)


def check_blanks(inputs: Tensors) -> list[Check]:
    """Refuses what cannot be filled in."""
    text = inputs[contract.TEXT]
    # A text without characters is refused for that alone.
    has_blank = (tf.strings.regex_replace(text, contract.BLANK, "") != text) | (text == "")
    sentence = f"text has nothing to fill in: put a {contract.BLANK} for each missing character"
    blanks = tf.strings.regex_replace(text, f"[^{contract.BLANK}]", "")
    widest = tf.reduce_max(tf.strings.length(blanks, unit="UTF8_CHAR"))
    return [
        *check_text(inputs),
        Check(has_blank, sentence),
        *_check_candidates(inputs[contract.TOP_K], tf.size(text) * widest),
    ]


def check_next(inputs: Tensors) -> list[Check]:
    """Refuses what nothing can be said to follow."""
    places = tf.size(inputs[contract.PREFIX])
    return [*check_prefix(inputs), *_check_candidates(inputs[contract.TOP_K], places)]


def _check_candidates(top_k: tf.Tensor, places: tf.Tensor) -> list[Check]:
    """Refuses to rank fewer characters than one or too many, for int32[] places in all."""
    most = tf.clip_by_value(tf.reduce_max(top_k), 0, contract.MAX_CANDIDATES)
    return [
        Check(top_k > 0, "top_k is too small: ask for 1 or more"),
        Check(
            top_k <= contract.MAX_CANDIDATES,
            f"top_k is too large: ask for {contract.MAX_CANDIDATES} at most",
        ),
        Check(
            places * most <= contract.MAX_REQUEST_CHARS,
            "the request is too large: its rows times the most blanks of one times its largest "
            f"top_k may be {contract.MAX_REQUEST_CHARS}",
        ),
    ]


def check_options(inputs: Tensors) -> list[Check]:
    """Refuses options of `generate` that make no sense. NaN is refused as what is out of range."""
    top_p, penalty = inputs[contract.TOP_P], inputs[contract.REPETITION_PENALTY]
    stop_lengths = tf.strings.length(inputs[contract.STOP], unit="UTF8_CHAR")
    return [
        *_check_num_chars(inputs),
        Check(inputs[contract.TOP_K] >= 0, "top_k is negative: 0 draws from all"),
        Check(inputs[contract.TEMPERATURE] >= 0, "temperature is negative: 0 is greedy"),
        Check((top_p > 0) & (top_p <= 1), "top_p is no probability: send more than 0, at most 1"),
        Check(
            (penalty > 0) & tf.math.is_finite(penalty),
            "repetition_penalty is not positive: 1 is none, more is a penalty",
        ),
        Check(
            stop_lengths <= contract.NUM_RECENT,
            f"stop is too long: send {contract.NUM_RECENT} characters at most",
        ),
        _check_utf8(contract.STOP, inputs),
    ]


def check_beam(inputs: Tensors) -> list[Check]:
    """Refuses to follow fewer texts than one or too many."""
    width = inputs[contract.WIDTH]
    return [
        *_check_num_chars(inputs),
        Check(width > 0, "width is too small: ask for 1 or more"),
        Check(
            width <= contract.MAX_WIDTH, f"width is too large: ask for {contract.MAX_WIDTH} at most"
        ),
    ]


def check_state(inputs: Tensors) -> list[Check]:
    """Refuses what `start` and `resume` did not return."""
    recent = inputs[contract.RECENT]
    # All cells keep h within 1, but for rounding.
    limits = {contract.H: 1.001, contract.C: float("inf")}
    return [
        *_check_texts(contract.RECENT, inputs),
        Check(
            tf.strings.length(recent, unit="UTF8_CHAR") <= contract.NUM_RECENT,
            f"recent is too long: send the last {contract.NUM_RECENT} characters at most",
        ),
        Check(inputs[contract.POSITION] >= 0, "position is negative: send what start returned"),
        *(
            Check(tf.abs(inputs[name]) < limit, f"{name} is no state: send what start returned")
            for name, limit in limits.items()
            if name in inputs
        ),
    ]


def _check_texts(name: str, inputs: Tensors) -> list[Check]:
    """Refuses a batch of no texts, and texts of no or too many characters or bad UTF-8."""
    texts = inputs[name]
    lengths = tf.strings.length(texts, unit="UTF8_CHAR")
    return [
        Check(tf.size(texts) > 0, f"{name} is empty: send one text or more"),
        Check(lengths > 0, f"{name} has a text without characters: send one or more"),
        Check(
            lengths <= contract.MAX_CHARS,
            f"{name} is too long: send {contract.MAX_CHARS} characters at most",
        ),
        _check_size(name, lengths, inputs),
        _check_utf8(name, inputs),
    ]


def _check_size(name: str, lengths: tf.Tensor, inputs: Tensors) -> Check:
    """Refuses what would take all the memory: that grows with every character of every row."""
    written = tf.reduce_max(inputs.get(contract.NUM_CHARS, 0))
    written = tf.clip_by_value(written, 0, contract.MAX_CHARS)  # else it is refused
    factors = [
        tf.size(lengths),
        tf.reduce_max(lengths) + written,
        tf.reduce_max(inputs.get(contract.WIDTH, 1)),
    ]
    size = tf.reduce_prod(tf.cast(tf.stack(factors), tf.int64))
    return Check(
        size <= contract.MAX_REQUEST_CHARS,
        f"the request is too large: its rows times its longest {name} and what is to be written "
        f"may be {contract.MAX_REQUEST_CHARS} characters",
    )


def _check_utf8(name: str, inputs: Tensors) -> Check:
    return Check(is_utf8(inputs[name]), f"{name} is not UTF-8: encode it so")


def _check_num_chars(inputs: Tensors) -> list[Check]:
    num_chars = inputs[contract.NUM_CHARS]
    texts = inputs[contract.PREFIX if contract.PREFIX in inputs else contract.RECENT]
    width = tf.clip_by_value(
        tf.reduce_max(inputs.get(contract.WIDTH, 1)), 0, contract.MAX_WIDTH
    )  # else it is refused
    return [
        # For each a distribution over the vocabulary is kept.
        Check(
            tf.size(texts) * width <= contract.MAX_ROWS,
            f"too many texts to write: send {contract.MAX_ROWS} rows at most, or so many times "
            "width",
        ),
        Check(num_chars >= 0, "num_chars is negative: send 0 or more"),
        Check(
            num_chars <= contract.MAX_CHARS,
            f"num_chars is too large: send {contract.MAX_CHARS} at most",
        ),
    ]
