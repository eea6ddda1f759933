import pytest

from pipeline.kubeflow.mounts import Mounts

pytestmark = pytest.mark.fast

PLACES = [
    ("gs://bucket/a/b", "/gcs/bucket/a/b"),
    ("minio://bucket/a/b", "/minio/bucket/a/b"),
    ("s3://bucket/a/b", "/s3/bucket/a/b"),
]


@pytest.mark.parametrize(("uri", "path"), PLACES)
@pytest.mark.parametrize("prefix", ["/", "/under/here", "/under/here/"])
def test_there_and_back(uri, path, prefix):
    mounts = Mounts(prefix)
    assert mounts.path(uri) == prefix.rstrip("/") + path
    assert mounts.uri(mounts.path(uri)) == uri


@pytest.mark.parametrize("uri", ["/mnt/claim", "https://host/a", "gsx://a", ""])
def test_what_kfp_does_not_store_has_no_place(uri):
    with pytest.raises(ValueError, match="submit the pipeline with a root of gs://, minio://"):
        Mounts().path(uri)


@pytest.mark.parametrize("path", ["/mnt/claim/a", "/miniox/a", "/minio", "", "春天"])
def test_other_paths_are_no_uris(path):
    assert Mounts().uri(path) == path
