"""Metadata whose bits are others than they were."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from modules.errors import StorageError
from pipeline.root import integrity
from pipeline.root.failures import explained
from pipeline.root.identity import METADATA
from pipeline.root.store import Store


@pytest.fixture
def metadata(tmp_path) -> Path:
    """Of a root with an artifact."""
    opened = Store(str(tmp_path)).metadata
    kind = opened.put_artifact_type(mlmd.ArtifactType(name="Model"))
    artifact = mlmd.Artifact(type_id=kind, uri="artifacts/春天")
    artifact.custom_properties["version"].int_value = 7
    opened.put_artifacts([artifact])
    return tmp_path / METADATA


def check(metadata: Path) -> None:
    with explained(str(metadata.parent)):
        integrity.check(str(metadata.parent))


def test_whole_metadata_are_taken_and_so_are_none(metadata, tmp_path):
    check(metadata)
    integrity.check(str(tmp_path / "no root yet"))
    assert not (tmp_path / "no root yet").exists()


DAMAGE = {
    "no bool": "UPDATE ArtifactProperty SET is_custom_property = 'x'",  # ends the process, in MLMD
    "no text": "UPDATE Artifact SET uri = X'ff'",
    "no utf-8": "UPDATE Artifact SET uri = CAST(X'ff' AS TEXT)",
    "a schema": "UPDATE sqlite_master SET sql = 'CREATE INDEX x' WHERE name = 'idx_artifact_uri'",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_one_sentence(metadata, statement):
    with closing(sqlite3.connect(metadata)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(statement)
    with pytest.raises(StorageError, match=r"has a damaged metadata\.sqlite: remove that file"):
        check(metadata)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_are_that_sentence_or_nothing(metadata, seed):
    random = Random(seed)
    content = bytearray(metadata.read_bytes())
    for _ in range(8):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    metadata.write_bytes(content)
    with suppress(StorageError):
        check(metadata)
