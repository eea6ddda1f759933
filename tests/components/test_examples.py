"""What `make_example` builds, field by field: the tests of the components read with it."""

import numpy as np
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.types import artifact_utils, standard_artifacts

from components.examples import describe, make_example, serialize

FEATURES = {"text": "春\n", "position": 7, "ids": range(2, 5), "none": []}


def test_text_is_bytes_and_integers_are_int64():
    feature = make_example(FEATURES).features.feature
    assert set(feature) == set(FEATURES)
    assert list(feature["text"].bytes_list.value) == [b"\xe6\x98\xa5\n"]
    assert list(feature["position"].int64_list.value) == [7]
    assert list(feature["ids"].int64_list.value) == [2, 3, 4]
    assert feature["none"].WhichOneof("kind") == "int64_list"


def test_an_array_keeps_its_kind_of_number():
    features = {"floats": np.array([0.5, 2], np.float32), "ids": np.array([3, 4])}
    feature = make_example(features).features.feature
    assert list(feature["floats"].float_list.value) == [0.5, 2]
    assert list(feature["ids"].int64_list.value) == [3, 4]


def test_the_bytes_are_the_same_in_whatever_order_features_come():
    backwards = dict(reversed(FEATURES.items()))
    assert serialize(make_example(FEATURES)) == serialize(make_example(backwards))
    assert tf.train.Example.FromString(serialize(make_example(FEATURES))) == make_example(FEATURES)


def test_an_artifact_describes_itself():
    artifact = standard_artifacts.Examples()
    describe(artifact, ["train", "eval"])
    assert artifact_utils.decode_split_names(artifact.split_names) == ["train", "eval"]
    assert examples_utils.get_payload_format_string(artifact) == "FORMAT_TF_EXAMPLE"
    assert examples_utils.get_file_format(artifact) == "tfrecords_gzip"
