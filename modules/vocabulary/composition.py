"""The normal form of texts inside the graph, so far as a vocabulary needs it.

TensorFlow has no operation for Unicode's NFC. But what is not in the vocabulary is unknown however
it is written; so a table of what becomes characters of the vocabulary is enough, and travels with
it.
"""

import itertools
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import tensorflow as tf

from modules.normal_form import CONTROL, LINE_END

_NONE = -1
_SHIFT = 2**21  # more than the largest code point


class NormalForm(tf.Module):
    """Makes the normal form of texts.

    Args:
        characters: of the vocabulary.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        super().__init__()
        wanted = frozenset(characters)
        singles, pairs = _singles(wanted), _pairs(wanted)
        self._singles = _table({ord(single): ord(to) for single, to in singles.items()})
        self._several = _several(wanted)
        self._pairs = _table({ord(a) * _SHIFT + ord(b): ord(to) for (a, b), to in pairs.items()})
        self._rounds = max((len(_decomposed(character)) - 1 for character in wanted), default=0)

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """`string[B]` of UTF-8 in normal form; whatever is not UTF-8 is left as it is."""
        unified = tf.strings.regex_replace(texts, LINE_END, "\n")
        written = tf.strings.regex_replace(unified, CONTROL, "")
        for character, parts in self._several.items():
            written = tf.strings.regex_replace(written, character, parts)
        codes = tf.strings.unicode_decode(written, "UTF-8")
        flat, rows = codes.flat_values, codes.value_rowids()  # [sum of n]
        single = self._singles.lookup(tf.cast(flat, tf.int64))
        flat = tf.where(single == _NONE, flat, tf.cast(single, tf.int32))
        for _ in range(self._rounds):
            flat, rows = self._compose(flat, rows)
        codes = tf.RaggedTensor.from_value_rowids(flat, rows, codes.nrows(), validate=False)
        return tf.where(is_utf8(texts), tf.strings.unicode_encode(codes, "UTF-8"), texts)

    def _compose(self, flat: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes one character of each two that are one; no character is in two of these."""
        ids = tf.cast(flat, tf.int64)
        composed = tf.cast(self._pairs.lookup(ids[:-1] * _SHIFT + ids[1:]), tf.int32)
        is_first = (composed != _NONE) & (rows[:-1] == rows[1:])
        flat = tf.concat([tf.where(is_first, composed, flat[:-1]), flat[-1:]], axis=0)
        stays = tf.concat([tf.ones_like(rows[:1], tf.bool), ~is_first], axis=0)[: tf.size(rows)]
        return tf.boolean_mask(flat, stays), tf.boolean_mask(rows, stays)


def is_utf8(texts: tf.Tensor) -> tf.Tensor:
    """Whether each of string[B] is well-formed: the operations that read texts take anything."""
    return tf.strings.regex_full_match(texts, r"[\x{0}-\x{D7FF}\x{E000}-\x{10FFFF}]*")


def _table(entries: dict[int, int]) -> tf.lookup.StaticHashTable:
    entries = entries or {_NONE: _NONE}  # a table cannot be empty
    initializer = tf.lookup.KeyValueTensorInitializer(
        [*entries], [*entries.values()], tf.int64, tf.int64
    )
    return tf.lookup.StaticHashTable(initializer, default_value=_NONE)


def _singles(wanted: frozenset[str]) -> dict[str, str]:
    """Characters that are another way to write one that is wanted, and which."""
    return {single: to for single, to in _replaced().items() if to in wanted}


def _several(wanted: frozenset[str]) -> dict[str, str]:
    """Characters that NFC writes as several that are wanted, or part of such; and as which.

    There are 85, most of them of Hebrew and of India; a vocabulary has use for a few.
    """
    parts = wanted.union(*map(_decomposed, wanted))
    return {each: to for each, to in _replaced().items() if len(to) > 1 and parts.issuperset(to)}


@lru_cache
def _replaced() -> dict[str, str]:
    """Whatever NFC never leaves as it is, and what it writes instead."""
    characters = (chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)
    composed = ((each, unicodedata.normalize("NFC", each)) for each in characters)
    return {each: to for each, to in composed if to != each}


def _pairs(wanted: frozenset[str]) -> dict[tuple[str, str], str]:
    """Of what is left of a wanted character in parts, the next two and what they make.

    Marks may come in any order that NFC takes for the same.
    """
    pairs = {}
    for character in sorted(wanted):  # in the order of no set, which differs by process
        parts = _decomposed(character)
        for order in itertools.permutations(parts[1:]):
            made = parts[0]
            for mark in order:
                to = unicodedata.normalize("NFC", made + mark)
                if len(to) != 1:
                    break
                pairs[made, mark] = made = to
    return pairs


def _decomposed(character: str) -> str:
    return unicodedata.normalize("NFD", character)
