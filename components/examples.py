"""Examples as the components here write them and read them: one of them, or a whole split."""

from collections.abc import Mapping, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from modules.features import DOCUMENT_INDEX, IDS, POSITION, TEXT

# Text, which becomes bytes of UTF-8; one integer or several, which become int64; or floats.
Feature = str | int | Sequence[int] | np.ndarray


def make_example(features: Mapping[str, Feature]) -> tf.train.Example:
    """Builds an Example of features by name; see `modules.features`."""
    feature = {name: _feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def serialize(example: tf.train.Example) -> bytes:
    """The Example as bytes, the same ones each time: so are the files written again."""
    return example.SerializeToString(deterministic=True)


def describe(examples: types.Artifact, splits: Sequence[str]) -> None:
    """Tells an artifact's readers that it holds Examples of these splits in gzipped TFRecords."""
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")


def read_split(examples: types.Artifact, split: str) -> beam.PTransform:
    """Reads the serialised Examples of a split."""
    (pattern,) = examples_utils.get_split_file_patterns([examples], split)
    return beam.io.ReadFromTFRecord(pattern, validate=False)  # an empty split may have no file


def text_of(example: tf.train.Example) -> str:
    """The text of an Example."""
    return example.features.feature[TEXT].bytes_list.value[0].decode()


def ids_of(example: tf.train.Example) -> np.ndarray:
    """The indices of its characters, int64[n]."""
    return np.array(example.features.feature[IDS].int64_list.value, np.int64)


def place_of(example: tf.train.Example) -> tuple[int, int]:
    """The document_index of an Example, and its position in that document."""
    feature = example.features.feature
    return feature[DOCUMENT_INDEX].int64_list.value[0], feature[POSITION].int64_list.value[0]


def _feature(value: Feature) -> tf.train.Feature:
    if isinstance(value, str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
    if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating):
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    values = [value] if isinstance(value, int) else value
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
