"""The JSON object in a REST request's body, and what is said of one that is none.

The parser is RapidJSON with numbers of its own, as TF Serving has it, so that both find the same
mistake at the same byte, and both take an integer of more than 64 bits for a double. Source of
the sentences: TF Serving, util/json_tensor.cc.
"""

import re
from typing import Any

import rapidjson
import tensorflow as tf

from serving.server.refusals import invalid_argument

_NUMBERS = rapidjson.NM_NATIVE | rapidjson.NM_NAN
_PARSE_ERROR = re.compile(r"Parse error at offset (\d+): (.*)")
_TYPE_NAMES = {
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
    type(None): "Null",
}


def parse(body: bytes) -> dict[str, Any]:
    """The object that a body is.

    TF Serving leaves it to the graph to refuse what is not UTF-8; here it is refused at once.

    Raises:
        tf.errors.InvalidArgumentError: if the body is not JSON, or not an object.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = rapidjson.loads(body.decode(), number_mode=_NUMBERS)
    except UnicodeDecodeError as error:
        raise _parse_error("Invalid encoding in string.", error.start) from error
    except (rapidjson.JSONDecodeError, RecursionError) as error:
        found = _PARSE_ERROR.fullmatch(str(error))
        offset, sentence = found.groups() if found else ("0", str(error))
        # RapidJSON 1.1.0, which TF Serving has, quotes no brackets in its sentences.
        raise _parse_error(sentence.replace("'", ""), offset) from error
    if not isinstance(document, dict):
        raise format_error(document, "Is not object")
    return document


def type_name(value: Any) -> str:
    """The type of a parsed value, as TF Serving calls it."""
    return str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]


def text(value: Any) -> str:
    """A parsed value as JSON again."""
    return rapidjson.dumps(value, ensure_ascii=False, indent=4)


def format_error(value: Any, sentence: str) -> tf.errors.InvalidArgumentError:
    """The error for a value that is JSON, but not what it should be."""
    return invalid_argument(f"JSON Value: {text(value)} {sentence}")


def _parse_error(sentence: str, offset: int | str) -> tf.errors.InvalidArgumentError:
    return invalid_argument(f"JSON Parse error: {sentence} at offset: {offset}")
