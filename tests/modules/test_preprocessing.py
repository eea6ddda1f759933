"""The vocabulary and the indices as tf.Transform really writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

from modules.preprocessing import preprocessing_fn
from modules.vocabulary.indices import VOCABULARY_NAME, Vocabulary

# a: 4, newline: 3, 春: 2, b: 1, 𠮷: 1
TEXTS = ["a\na春\n", "春aa\n", "b𠮷"]


class Transformed(NamedTuple):
    ids: list[list[int]]
    path: str  # of the vocabulary file

    @property
    def entries(self) -> list[str]:
        """The vocabulary's characters, after `<unk>`."""
        first, *codes = Path(self.path).read_text().splitlines()
        assert first == "<unk>"
        return [chr(int(code)) for code in codes]


@pytest.fixture
def transform(tmp_path) -> Callable[..., Transformed]:
    def run(texts, **options) -> Transformed:
        spec = {"text": tf.io.FixedLenFeature([1], tf.string)}
        rows = [{"text": [text.encode()]} for text in texts]
        with tft_beam.Context(temp_dir=str(tmp_path / "temporary")):
            (data, _), transform_fn = (
                rows,
                DatasetMetadata.from_feature_spec(spec),
            ) | tft_beam.AnalyzeAndTransformDataset(
                lambda inputs: preprocessing_fn(inputs, {"vocabulary": options})
            )
            transform_fn | tft_beam.WriteTransformFn(str(tmp_path / "transform"))
        output = tft.TFTransformOutput(str(tmp_path / "transform"))
        assert [row["text"][0].decode() for row in data] == texts
        return Transformed(
            [row["ids"].tolist() for row in data], output.vocabulary_file_by_name(VOCABULARY_NAME)
        )

    return run


def test_the_most_frequent_character_is_1_and_the_newline_is_kept(transform):
    result = transform(TEXTS)
    assert result.entries[:3] == ["a", "\n", "春"]
    assert sorted(result.entries[3:]) == ["b", "𠮷"]
    assert result.ids[:2] == [[1, 2, 1, 3, 2], [3, 1, 1, 2]]
    assert sorted(result.ids[2]) == [4, 5]


def test_newlines_are_counted_as_spaces(transform):
    result = transform(["a b\n", "\nb b"], newline="space")
    assert result.entries == [" ", "b", "a"]
    assert result.ids == [[3, 1, 2, 1], [1, 2, 1, 2]]


def test_rare_characters_are_unknown(transform):
    result = transform(TEXTS, min_count=2)
    assert result.entries == ["a", "\n", "春"]
    assert result.ids == [[1, 2, 1, 3, 2], [3, 1, 1, 2], [0, 0]]


def test_the_largest_vocabulary_counts_the_unknown(transform):
    result = transform(TEXTS, max_vocab_size=3)
    assert result.entries == ["a", "\n"]
    assert Vocabulary(result.path, "keep").size == 3
    assert result.ids == [[1, 2, 1, 0, 2], [0, 1, 1, 2], [0, 0]]


def test_the_vocabulary_reads_what_transform_wrote(transform):
    result = transform([*TEXTS, "\r\n\0\ufeff97<unk>"], max_vocab_size=100)
    vocabulary = Vocabulary(result.path, "keep")
    assert vocabulary.encode(tf.constant(TEXTS)).to_list() == result.ids[:3]
    assert vocabulary.size == len(result.entries) + 1
    assert len(set(result.entries)) == len(result.entries)
    decoded = vocabulary.decode(tf.ragged.constant(result.ids, tf.int64)).numpy()
    assert [text.decode() for text in decoded] == [*TEXTS, "\r\n\0\ufeff97<unk>"]
