"""What an option may be."""

from collections.abc import Collection
from typing import Any

from modules.errors import ConfigError


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Raises ConfigError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise ConfigError(f"{name}={value!r} is not known: choose one of {listed}")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raises ConfigError unless `low <= value <= high`; NaN is in no range."""
    if not low <= value <= high:
        bounds = f"at least {low}" if high == float("inf") else f"from {low} to {high}"
        raise ConfigError(f"{name}={value} is out of range: give a value {bounds}")
