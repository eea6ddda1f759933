"""Examples as the components here write them: one is built, a set of them describes itself."""

from collections.abc import Mapping, Sequence

import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils


def make_example(features: Mapping[str, str | int | Sequence[int]]) -> tf.train.Example:
    """Builds an Example.

    Args:
        features: by name, see `modules.features`: text, which becomes bytes of UTF-8, or one
            integer or several, which become int64.
    """
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


def _feature(value: str | int | Sequence[int]) -> tf.train.Feature:
    if isinstance(value, str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
    values = [value] if isinstance(value, int) else value
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
