"""Which pipeline a root is, and which store it belongs to."""

import shutil

import pytest

from modules.errors import ConfigError
from pipeline.root import identity
from pipeline.root.server import Server

pytestmark = pytest.mark.fast

SERVER = Server("db", 3306, "lyrics", "team", "secret")


def name(root) -> str:
    return identity.pipeline_name(str(root), SERVER)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "词 root"
    root.mkdir()
    return root


def test_in_a_store_of_its_own_it_is_called_as_ever_and_nothing_is_drawn(root):
    assert identity.pipeline_name(str(root)) == "lyrics"
    assert [*root.iterdir()] == []


def test_in_a_shared_store_a_root_keeps_its_name_and_no_other_has_it(root, tmp_path):
    first = name(root)
    assert first.startswith("lyrics-")
    assert len(first) <= 63  # TFX's bound
    assert name(root) == first
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    other = tmp_path / "other"
    other.mkdir()
    assert len({first, name(copy), name(other)}) == 3
    shutil.rmtree(root)  # as if on another machine
    root.mkdir()
    assert name(root) != first


def test_a_root_does_not_change_its_store(root):
    identity.check(str(root), None)
    identity.check(str(root), SERVER)  # before the first run both are possible
    (root / identity.METADATA).touch()
    identity.check(str(root), None)
    with pytest.raises(
        ConfigError,
        match=r"has the metadata of its runs in its own metadata.sqlite, got "
        r"metadata='mysql://team@db:3306/lyrics': leave that out, or give another root",
    ):
        identity.check(str(root), SERVER)
    (root / identity.METADATA).unlink()
    name(root)
    identity.check(str(root), SERVER)
    with pytest.raises(ConfigError, match="in a store that roots share: give metadata and its add"):
        identity.check(str(root), None)


def test_only_a_root_of_runs_is_known(root):
    with pytest.raises(ConfigError, match="holds no runs: give the root of some"):
        identity.check_known(str(root))
    name(root)
    identity.check_known(str(root))
