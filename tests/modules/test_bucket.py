"""Versions in a bucket, of a server on this machine that speaks as S3 does."""

from pathlib import Path

import pytest

from modules.bucket import Bucket
from modules.errors import LyricsError, StorageError

FILES = ("assets/characters", "saved_model.pb", "variables/variables.index")


@pytest.fixture
def model(tmp_path) -> Path:
    for name in FILES:
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "model"


@pytest.fixture
def versions(bucket) -> Bucket:
    return Bucket(f"s3://{bucket.name}/models/lyrics/")


def keys(bucket) -> list[str]:
    return [found.key for found in bucket.objects.all()]


def test_what_is_uploaded_is_a_version_and_comes_back(versions, bucket, model, tmp_path):
    assert versions.versions() == {}
    address = versions.upload(str(model), 7)
    assert address == f"s3://{bucket.name}/models/lyrics/7"
    assert keys(bucket) == [f"models/lyrics/7/{name}" for name in FILES]
    assert versions.versions() == {7: address}
    versions.download(address, str(tmp_path / "copy"))
    assert [(tmp_path / "copy" / name).read_text() for name in FILES] == [*FILES]


def test_the_model_comes_last_and_without_it_there_is_no_version(versions, bucket, model):
    versions.upload(str(model), 7)
    times = {found.key: found.last_modified for found in bucket.objects.all()}
    assert max(times.values()) == times["models/lyrics/7/saved_model.pb"]
    bucket.Object("models/lyrics/7/saved_model.pb").delete()
    bucket.put_object(Key="models/lyrics/notes/saved_model.pb", Body=b"")
    assert versions.versions() == {}


def test_an_upload_that_fails_leaves_nothing(versions, bucket, model):
    put = versions._store.files.put_file

    def cut_off(path: str, target: str) -> None:
        if target.endswith("saved_model.pb"):
            raise OSError("the connection is gone")
        put(path, target)

    versions._store.files.put_file = cut_off
    with pytest.raises(StorageError, match=r"cannot be written .*the connection is gone"):
        versions.upload(str(model), 7)
    assert [key for key in keys(bucket) if "/7/" in key] == []


def test_whether_it_can_be_written_is_known_before(versions, bucket):
    versions.check()
    assert keys(bucket) == []
    with pytest.raises(StorageError, match="s3://no-such-bucket/lyrics cannot be written"):
        Bucket("s3://no-such-bucket/lyrics").check()


def test_where_nobody_answers_is_one_sentence(s3_environment, monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(LyricsError, match="s3://songs/lyrics cannot be written"):
        Bucket("s3://songs/lyrics").check()
