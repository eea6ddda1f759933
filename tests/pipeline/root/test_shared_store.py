"""A store that several roots share, on a real server: what it lets in, and what it keeps."""

import os
from threading import Timer

import pytest
from click.testing import CliRunner
from mariadb import PASSWORD, USER
from ml_metadata.proto import metadata_store_pb2 as mlmd

from modules.errors import StorageError
from pipeline.cli import main
from pipeline.root.failures import explained
from pipeline.root.server import MetadataOptions, Server, logged_in
from pipeline.root.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.mysql]


@pytest.fixture
def database(mariadb) -> str:
    return mariadb.database()


@pytest.fixture
def refused(tmp_path):
    """Runs; returns the one line that is said, when nothing is left behind."""

    def run(url: str, **environment: str) -> str:
        root = tmp_path / "root"
        ran = CliRunner(env=environment).invoke(
            main, ["run", "--root", str(root), "--metadata", url]
        )
        assert ran.exit_code == 1
        assert ran.stdout == ""
        (line,) = ran.stderr.splitlines()
        assert not root.exists()
        return line.removeprefix("Error: ")

    return run


def server(url: str) -> Server:
    server = MetadataOptions(url).server()
    assert server
    return server


def test_a_refused_login(mariadb, database, refused):
    address = mariadb.url(database, None)
    remedy = "check user and password, which MYSQL_PWD may hold, and that no TLS is asked for"
    for url, environment in [
        (mariadb.url(database, "wrong"), PASSWORD),
        (address, "wrong"),
        (address, ""),
    ]:
        said = refused(url, MYSQL_PWD=environment)
        assert said.startswith(f"--metadata {address} cannot be used (Access denied for user ")
        assert said.endswith(f"): {remedy}")
        assert "wrong" not in said
    assert refused(mariadb.url(database, user="nobody")).endswith(remedy)


def test_a_database_that_is_not_there_is_not_made(mariadb, refused):
    remedy = (
        "have its administrator `CREATE DATABASE nothing CHARACTER SET utf8mb4` and `GRANT ALL ON "
        "nothing.* TO {}`"
    )
    mariadb.database()
    mariadb.query("create user all_may identified by ''", "grant all on *.* to all_may")
    said = refused(mariadb.url("nothing"))
    assert "(Access denied for user" in said
    assert said.endswith(remedy.format(USER))
    said = refused(mariadb.url("nothing", "", "all_may"))
    assert "(Unknown database 'nothing')" in said
    assert said.endswith(remedy.format("all_may"))
    assert ("nothing",) not in mariadb.query("show databases")


def test_a_user_who_may_only_read(mariadb, database, tmp_path):
    mariadb.query("create user reader identified by 'a'", f"grant select on {database}.* to reader")
    only_reads = server(mariadb.url(database, "a", "reader"))
    with (
        logged_in(only_reads),
        pytest.raises(StorageError, match=r"does not let its user do what ML Metadata does \(.*CR"),
        explained(str(tmp_path)),
    ):
        Store(str(tmp_path), only_reads)


def test_the_password_comes_from_the_environment_too(mariadb, database, monkeypatch, tmp_path):
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    known = server(mariadb.url(database, None))
    with logged_in(known):
        assert Store(str(tmp_path), known).runs() == []


@pytest.mark.parametrize("characters", ["utf8mb4", "utf8mb3", "latin1"])
def test_every_character_comes_back(mariadb, tmp_path, characters):
    known = server(mariadb.url(mariadb.database(characters)))
    with logged_in(known):
        metadata = Store(str(tmp_path), known).metadata
        kind = metadata.put_artifact_type(mlmd.ArtifactType(name="Examples"))
        artifact = mlmd.Artifact(type_id=kind, uri="/词/é/😀\x81")
        artifact.custom_properties["data"].string_value = "分开 é 😀 \x81 ' \\"
        metadata.put_artifacts([artifact])
        (found,) = Store(str(tmp_path), known).metadata.get_artifacts()
    assert found.uri == artifact.uri
    assert found.custom_properties == artifact.custom_properties


def test_a_number_that_has_no_place_is_told(mariadb, database, tmp_path):
    known = server(mariadb.url(database))
    with logged_in(known):
        metadata = Store(str(tmp_path), known).metadata
        kind = metadata.put_artifact_type(mlmd.ArtifactType(name="Model"))
        artifact = mlmd.Artifact(type_id=kind)
        artifact.custom_properties["version"].int_value = 2**31
        with (
            pytest.raises(StorageError, match="holds whole numbers up to 2,147,483,647, and a"),
            explained(str(tmp_path)),
        ):
            metadata.put_artifacts([artifact])


def test_a_run_waits_while_another_makes_the_tables(mariadb, database, tmp_path):
    known = server(mariadb.url(database))
    table = f"{database}.Event"
    with logged_in(known):
        Store(str(tmp_path), known)
        ((_, made),) = mariadb.query(f"show create table {table}")
        mariadb.query(f"drop table {table}")
        other = Timer(0.2, mariadb.query, [f"use {database}", made])
        other.start()
        assert Store(str(tmp_path), known).runs() == []
        other.join()


def test_tables_that_were_half_made_are_named(mariadb, database, tmp_path):
    known = server(mariadb.url(database))
    with logged_in(known):
        Store(str(tmp_path), known)
        mariadb.query(f"drop table {database}.Event")
        with (
            pytest.raises(StorageError, match="has only some of the tables of ML Metadata, as a f"),
            explained(str(tmp_path)),
        ):
            Store(str(tmp_path), known)


def test_a_connection_that_idled_too_long_is_made_anew(mariadb, database, tmp_path):
    known = server(mariadb.url(database))
    with logged_in(known):
        store = Store(str(tmp_path), known)
        for (connection,) in mariadb.query(
            f"select id from information_schema.processlist where user = '{USER}'"
        ):
            mariadb.query(f"kill {connection}")  # as wait_timeout does
        assert store.runs() == []


def test_a_root_that_the_store_does_not_know_is_left_alone(mariadb, database, tmp_path):
    known = server(mariadb.url(database))
    os.makedirs(tmp_path / "artifacts" / "Trainer" / "model" / "7")
    with logged_in(known), pytest.raises(StorageError, match=r"does not know what is in .*artif"):
        Store(str(tmp_path), known)
