r"""The normal form of a text, in training and in asking the same. No TensorFlow here.

Every "\r\n", every other "\r", and "\v", "\f", U+2028 and U+2029, is a "\n"; there is no byte order
mark, be it inside the text, and no control but "\t" and "\n", such as the U+001A that ends texts of
DOS; characters are composed (Unicode NFC).
"""

import re
import unicodedata

# What Unicode calls line ends too (section 5.8 of the standard), but for U+0085: where that is
# met, it is the "…" of windows-1252 in another encoding.
LINE_ENDS = "\v\f\u2028\u2029"
DROPPED = "\1-\b\x0e-\x1f\x7f-\x9f\ufeff"  # the other controls, and the byte order mark

# Patterns of Python's re, and of RE2, which TensorFlow has.
LINE_END = f"\r\n?|[{LINE_ENDS}]"
CONTROL = f"[{DROPPED}]"


def normalise(text: str) -> str:
    """The text in normal form."""
    return unicodedata.normalize("NFC", re.sub(CONTROL, "", re.sub(LINE_END, "\n", text)))
