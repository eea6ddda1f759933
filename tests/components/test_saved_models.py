import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from components.saved_models import CHECKSUMS, digest, fault, signatures, state_checksums


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


@pytest.fixture
def saved(tmp_path):
    """A real SavedModel with an asset."""
    file = tmp_path / "characters"
    file.write_text("a")
    module = tf.Module()
    module.asset = tf.saved_model.Asset(str(file))
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    return tmp_path / "saved"


def test_a_missing_asset_is_a_fault(saved):
    assert fault(str(saved)) is None
    (saved / "assets" / "characters").unlink()
    assert fault(str(saved)) == "its characters is missing"


@pytest.mark.parametrize("name", ["assets/characters", "saved_model.pb", "fingerprint.pb"])
def test_what_is_not_what_was_pushed_is_a_fault(saved, name):
    before = digest(str(saved))
    state_checksums(str(saved))
    assert (fault(str(saved)), digest(str(saved))) == (None, before)
    path = saved / name
    if name == "saved_model.pb":
        model = SavedModel.FromString(path.read_bytes())
        model.meta_graphs[0].meta_info_def.tensorflow_version = "of another graph"
        path.write_bytes(model.SerializeToString())
    else:
        path.write_bytes(b"b")
    assert fault(str(saved)) == f"its {name} is not what was pushed"


def test_checksums_are_those_of_coreutils(saved):
    state_checksums(str(saved))
    command = ["sha256sum", "--check", "--strict", "--quiet", CHECKSUMS]
    assert subprocess.run(command, cwd=saved, check=True, capture_output=True).stdout == b""
    assert "assets/characters" in (saved / CHECKSUMS).read_text()
