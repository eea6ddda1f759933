"""Artifacts that are not what was written, told before any stage reads them."""

import re

import pytest

from modules.errors import StorageError
from pipeline.root import manifest

pytestmark = pytest.mark.fast


@pytest.fixture
def uri(tmp_path):
    """Where a recorded artifact is."""
    uri = tmp_path / "root" / "artifacts" / "Transform" / "graph" / "5"
    (uri / "assets").mkdir(parents=True)
    (uri / "assets" / "characters").write_text("1\n2\n3\n")
    (uri / "model").write_bytes(bytes(2_000_000))
    manifest.record(str(tmp_path / "root"), [str(uri), str(tmp_path / "not there")])
    return uri


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda uri: (uri / "model").write_bytes(bytes(1_000)), "has 1,000 bytes, not 2,000,000"),
        (lambda uri: (uri / "model").write_bytes(b"1" + bytes(1_999_999)), "has other bytes"),
        (lambda uri: (uri / "model").unlink(), "is gone"),
        (lambda uri: (uri / "model").rename(uri / "a"), "was not there"),
    ],
)
def test_the_file_is_named_and_what_to_do(tmp_path, uri, damage, what):
    manifest.check(str(tmp_path / "root"))
    damage(uri)
    with pytest.raises(StorageError) as error:
        manifest.check(str(tmp_path / "root"))
    assert re.fullmatch(
        rf"{uri}/\w+ is damaged: it {what}; remove {uri} and run again, which does anew what .*",
        str(error.value),
    )


def test_an_artifact_that_is_removed_whole_is_forgotten(tmp_path, uri):
    root = tmp_path / "root"
    uri.rename(uri.with_name("6"))
    manifest.check(str(root))
    manifest.record(str(root), [])
    uri.mkdir()
    manifest.check(str(root))


def test_without_a_manifest_all_is_trusted(tmp_path, uri):
    (tmp_path / "root" / ".manifest.json").write_text("cut sho")
    (uri / "model").unlink()
    manifest.check(str(tmp_path / "root"))
