"""What machines read: JSON."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from typing import Any


def print_json(value: Any) -> None:
    """A value as JSON, dataclasses as objects; null for NaN and infinity, which JSON has not."""
    plain = json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False, indent=2)
    try:
        plain.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # in JSON's own spelling it can be
        plain = json.dumps(_jsonable(value), allow_nan=False, indent=2)
    print(plain)


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
