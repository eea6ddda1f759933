"""What callers give: taken as what a message can hold, or refused. No TensorFlow here."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from modules.errors import InvalidRequest, LyricsError
from modules.normal_form import normalise

_INT_BITS = {"int32": 31, "int64": 63}
_LARGEST_FLOAT = float(np.finfo(np.float32).max)


def as_texts(name: str, given: Any) -> list[str]:
    """Texts in an order, each in normal form: of a list, a tuple, a generator, an array.

    A served model makes the normal form too; here it makes answers fit to single characters.
    A str is refused: it would be as many texts as it has characters.

    Raises:
        InvalidRequest: if they are something else.
    """
    given = _plain(given)
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping | Set):
        raise InvalidRequest(
            f"{name} is of type {type(given).__name__}, no list of texts: "
            "give a list, of a single one too"
        )
    return [normalise(as_text(name, text)) for text in given]


def as_value(name: str, given: Any, dtype: str) -> Any:
    """One value of a dtype, which is called as in `contract.DTYPES`.

    Raises:
        InvalidRequest: if the dtype has no such value.
    """
    if dtype == "string":
        return as_text(name, given)
    if dtype == "float":
        return as_number(name, given, -_LARGEST_FLOAT, _LARGEST_FLOAT)
    end = 2 ** _INT_BITS[dtype]
    return as_integer(name, given, -end, end - 1)


def as_text(name: str, given: Any, error: type[LyricsError] = InvalidRequest) -> str:
    """A str.

    Raises:
        LyricsError: an `error`, if it is something else, or no Unicode.
    """
    if not isinstance(given, str):
        raise error(f"{name} is of type {type(given).__name__}, no text: give a str")
    try:
        given.encode()
    except UnicodeEncodeError as found:
        raise error(
            f"{name} {given!r} has something at character {found.start + 1} that is none: "
            "send Unicode, from files in UTF-8"
        ) from found
    return given


def as_integer(
    name: str, given: Any, low: int, high: int, error: type[LyricsError] = InvalidRequest
) -> int:
    """A whole number, of Python's or NumPy's.

    Raises:
        LyricsError: an `error`, if it is something else, or out of range.
    """
    wanted = f"a whole number from {low} to {high}"
    return int(_within(name, given, int, (low, high), wanted, error))


def as_number(
    name: str, given: Any, low: float, high: float, error: type[LyricsError] = InvalidRequest
) -> float:
    """A number, of Python's or NumPy's; NaN is in no range.

    Raises:
        LyricsError: an `error`, if it is something else, or out of range.
    """
    wanted = f"a number from {low:g} to {high:g}"
    return float(_within(name, given, (int, float), (low, high), wanted, error))


def _within(
    name: str,
    given: Any,
    kinds: type | tuple[type, ...],
    bounds: tuple[float, float],
    wanted: str,
    error: type[LyricsError],
) -> Any:
    """A number of a kind and within bounds; else an error says what is wanted."""
    number: Any = _plain(given)
    low, high = bounds
    is_kind = isinstance(number, kinds) and not isinstance(number, bool)
    if not is_kind or not low <= number <= high:
        raise error(f"{{{name}}} makes no sense: give {wanted}", {name: given})
    return number


def _plain(given: Any) -> Any:
    """Python's own value in place of NumPy's."""
    is_scalar = isinstance(given, np.generic) or (isinstance(given, np.ndarray) and not given.shape)
    return given.item() if is_scalar else given
