"""What `lyrics run` refuses before it imports TFX, as the mark `fast` holds it to."""

import os
import tempfile

import pytest
from click.testing import CliRunner

from pipeline.cli import main

pytestmark = pytest.mark.fast


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Runs with some options; returns the one line that is said, when nothing is left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def run(*options: str) -> str:
        ran = CliRunner().invoke(main, ["run", "--root", str(tmp_path / "root"), *options])
        assert ran.exit_code == 1
        assert ran.stdout == ""
        (line,) = ran.stderr.splitlines()
        assert not (tmp_path / "root").exists()
        assert os.listdir(tmp_path / "temporary") == []
        return line.removeprefix("Error: ")

    return run


def test_what_is_wrong_with_a_corpus_of_the_web(refused, web, pack, tmp_path):
    pack(tmp_path / "web" / "a.zip", {"a.txt": "一", "b.md": "二"})
    (tmp_path / "web" / "cut.zip").write_bytes((tmp_path / "web" / "a.zip").read_bytes()[:-9])
    place = web.address
    assert refused("--data", f"{place}/no.zip") == (
        f"{place}/no.zip cannot be read (404: nothing is there): check the address"
    )
    said = refused("--data", f"{place}/cut.zip")
    assert said.startswith(f"{place}/cut.zip is truncated or damaged (")
    said = refused("--data", f"{place}/a.zip", "--strict")
    assert "'b.md' (of another kind): take it out, or give --no-strict to pass it over" in said


def test_what_is_wrong_with_a_corpus_in_a_bucket(refused, bucket):
    bucket.put_object(Key="songs/a.md", Body=b"a")
    place = f"s3://{bucket.name}"
    assert refused("--data", f"{place}/songs") == (
        f"{place}/songs holds no .txt file (1 others): add texts with names that end in .txt, "
        "or give a zip of them"
    )
    assert refused("--data", f"{place}/a.zip").startswith(f"no such file: {place}/a.zip: give")


def test_a_root_at_an_address_is_refused_before_a_corpus_is_fetched(refused, web):
    assert refused("--data", f"{web.address}/a.zip", "--root", "s3://bucket/runs") == (
        "--root s3://bucket/runs is not on this machine, on whose disk a run lives: give a local "
        "directory; on Kubeflow, give the pipeline's root where the pipeline is submitted"
    )
    assert web.asked == []
