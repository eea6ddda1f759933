import os

import pytest
import tensorflow as tf

from modules.vocabulary.indices import Vocabulary, code_points


def test_entries_are_numbered_by_their_line(vocabulary):
    assert vocabulary.size == 8
    assert vocabulary.encode(tf.constant(["\n ", "春𠮷a"])).to_list() == [[1, 2], [6, 7, 3]]


def test_unknown_characters_are_0(vocabulary):
    assert vocabulary.encode(tf.constant(["夏a𝄞"])).to_list() == [[0, 3, 0]]


def test_unknown_characters_are_told_in_order(vocabulary):
    unknown = vocabulary.unknown(tf.constant(["夏a𝄞夏", "春", ""])).numpy()
    assert [text.decode() for text in unknown] == ["夏𝄞夏", "", ""]


def test_digits_are_characters_and_not_code_points(vocabulary):
    # "97" is how the file spells "a".
    assert vocabulary.encode(tf.constant(["97"])).to_list() == [[0, 0]]


def test_texts_come_back_as_they_were(vocabulary):
    texts = ["\na春\n𠮷 c", "b", "\n\n"]
    decoded = vocabulary.decode(vocabulary.encode(tf.constant(texts)))
    assert [text.decode() for text in decoded.numpy()] == texts


def test_nothing_is_decoded_to_nothing(vocabulary):
    assert vocabulary.decode(tf.ragged.constant([[], [3], []], tf.int64)).numpy().tolist() == [
        b"",
        b"a",
        b"",
    ]


@pytest.mark.parametrize(("newline", "expected"), [("keep", [97, 10, 98]), ("space", [97, 32, 98])])
def test_newlines_are_read_as_the_option_says(newline, expected):
    texts = tf.constant(["a\nb", "", "c"])
    assert code_points(texts, newline).to_list() == [expected, [], [99]]


@pytest.mark.parametrize("character", ["\0", "\r", "\ufeff", "\uffff", "\u2028", "\U0010ffff"])
def test_every_character_is_one_code_point(character):
    codes = code_points(tf.constant([character * 2]), "space")
    assert codes.to_list() == [[ord(character)] * 2]


def test_what_is_not_utf8_is_the_replacement_character():
    assert code_points(tf.constant([b"a\xff"]), "keep").to_list() == [[97, 0xFFFD]]


def test_the_line_end_is_what_newlines_are_read_as(write_vocabulary):
    path = write_vocabulary(" \na")
    assert int(Vocabulary(path, "space").line_end_id()) == 1
    assert int(Vocabulary(path, "keep").line_end_id()) == 2


def test_a_corpus_of_single_lines_has_no_line_end(write_vocabulary):
    assert int(Vocabulary(write_vocabulary("ab"), "keep").line_end_id()) == 0


@pytest.fixture
def save(tmp_path):
    """Saves a vocabulary of these characters, in a file of its own; returns where."""

    def save(name: str, characters: str) -> str:
        lines = ["<unk>", *(str(ord(character)) for character in characters)]
        file = tmp_path / f"of {name}" / "characters"
        file.parent.mkdir()
        file.write_text("\n".join(lines) + "\n")
        module = Vocabulary(str(file), "keep")
        texts = tf.TensorSpec([None], tf.string)
        module.ids = tf.function(lambda texts: module.encode(texts).to_tensor(), [texts])
        tf.saved_model.save(module, str(tmp_path / name))
        return str(tmp_path / name)

    return save


def test_what_is_saved_does_not_say_where_the_vocabulary_lay(save, tmp_path):
    with open(os.path.join(save("one", "\n a"), "saved_model.pb"), "rb") as file:
        assert str(tmp_path).encode() not in file.read()


def test_of_two_in_one_process_each_has_its_own_entries(save):
    texts = tf.constant(["ab"])
    one = tf.saved_model.load(save("one", "\nab"))
    other = tf.saved_model.load(save("other", "\nba"))
    assert one.ids(texts).numpy().tolist() == [[2, 3]]
    assert other.ids(texts).numpy().tolist() == [[3, 2]]
