from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from components.saved_models import digest, fault, signatures


@pytest.fixture
def model(write_model):
    """Makes a directory that looks like a SavedModel."""
    return lambda content="weights": Path(write_model(content).uri, "Format-Serving")


def test_the_digest_is_of_names_and_contents(model):
    directory = model("a")
    before = digest(str(directory))
    assert digest(str(directory) + "/") == before
    (directory / "assets" / "characters").rename(directory / "assets" / "letters")
    renamed = digest(str(directory))
    (directory / "assets" / "letters").write_text("b")
    assert len({before, renamed, digest(str(directory))}) == 3


def test_signatures_are_those_of_every_graph(model):
    saved = SavedModel()
    for names in (("generate", "score"), ("score", "fill")):
        graph = saved.meta_graphs.add()
        for name in names:
            graph.signature_def[name].method_name = "predict"
    directory = model()
    (directory / "saved_model.pb").write_bytes(saved.SerializeToString())
    assert signatures(str(directory)) == {"generate", "score", "fill"}


def test_a_broken_model_has_no_signatures(model):
    directory = model()
    (directory / "saved_model.pb").write_text("broken")
    assert signatures(str(directory)) == set()


def test_a_missing_asset_is_a_fault(tmp_path):
    file = tmp_path / "characters"
    file.write_text("a")
    module = tf.Module()
    module.asset = tf.saved_model.Asset(str(file))
    module.weight = tf.Variable(1.0)
    path = tmp_path / "saved"
    tf.saved_model.save(module, str(path))
    assert fault(str(path)) is None
    (path / "assets" / "characters").unlink()
    assert fault(str(path)) == "its characters is missing"
