"""Whoever asks may spell a text in any form: the model reads it as it read the corpus."""

import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from modules.corpus.encodings import decode
from modules.normal_form import normalise
from modules.vocabulary.composition import NormalForm

# With two marks and three, a syllable of two and of three parts, and what has other spellings.
CHARACTERS = "\n\t abéốǖᾧ각가ガ春Å豈…"
# U+F900 is 豈, U+212B is Å, U+1F71 is ά: NFC replaces each by the other.
SPELLINGS = "\r\v\f\u2028\u2029\x1a\x85\ufeff\uf900\u212b\u1f71\u0301\u0302\u0308夏"


@pytest.fixture(scope="module")
def in_graph():
    form = tf.function(NormalForm(CHARACTERS), input_signature=[tf.TensorSpec([None], tf.string)])

    def normal_form(*texts: str) -> list[str]:
        return [text.decode() for text in form(tf.constant(texts, tf.string)).numpy()]

    return normal_form


def test_every_spelling_becomes_the_corpus_s(in_graph):
    texts = [
        "a\r\nb\rc\u2028d\ve",
        "\ufeffa\x1a\x85b",
        unicodedata.normalize("NFD", "ốǖᾧ각가ガÅé"),
        "o\u0301\u0302",  # marks in this order make another character, ó̂
        "\uf900\u212b",
        "",
    ]
    assert in_graph(*texts) == ["a\nb\nc\nd\ne", "ab", "ốǖᾧ각가ガÅé", "ó̂", "豈Å", ""]


def test_marks_in_another_order_are_the_same():
    form = NormalForm("ệ")
    for spelled in ("e\u0323\u0302", "e\u0302\u0323", "ẹ\u0302", "ê\u0323"):
        assert form(tf.constant([spelled])).numpy()[0].decode() == "ệ"


@given(st.lists(st.text(st.sampled_from(CHARACTERS)), max_size=4), st.sampled_from(["NFC", "NFD"]))
def test_it_is_what_the_corpus_was_read_in(in_graph, texts, form):
    spelled = [unicodedata.normalize(form, text).replace("\n", "\r\n") for text in texts]
    read = ["".join(decode([text.encode()], "utf-8")) for text in spelled]
    assert in_graph(*spelled) == texts
    assert read == [text if text.endswith("\n") else f"{text}\n" for text in texts]


@given(st.text(st.sampled_from(CHARACTERS + SPELLINGS)))
def test_whatever_it_leaves_is_another_way_to_write_the_same(in_graph, text):
    (made,) = in_graph(text)
    assert unicodedata.normalize("NFC", made) == normalise(text)


def test_what_nfc_writes_as_several_is_written_as_several():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    several = [each for each in characters if len(unicodedata.normalize("NFC", each)) > 1]
    assert len(several) == 85
    form = NormalForm(normalise("".join(several)))
    texts = [f"夏{each}春" for each in several]
    made = [text.decode() for text in form(tf.constant(texts)).numpy()]
    assert made == [normalise(text) for text in texts]


def test_a_mark_that_is_two_makes_the_letter_of_both():
    assert NormalForm("ΐ")(tf.constant(["ι\u0344"])).numpy()[0].decode() == "ΐ"


def test_what_is_no_utf8_is_left_to_be_refused():
    assert NormalForm("a")(tf.constant([b"a\r\xff"])).numpy().tolist() == [b"a\r\xff"]
