"""Texts with something missing."""

from modules.features import BLANK


def blank_out(text: str) -> str:
    """The text with a blank: its own, or one in place of its middle character."""
    if BLANK in text:
        return text
    middle = len(text) // 2
    return text[:middle] + BLANK + text[middle + 1 :]
