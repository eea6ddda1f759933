import pytest

from modules.errors import ConfigError
from pipeline.kubeflow.options import ClusterOptions

pytestmark = pytest.mark.fast


def test_claims_are_names_and_paths():
    options = ClusterOptions(claims=("lyrics:/mnt/lyrics", "my.corpora-2:/data"))
    assert options.mounts() == [("lyrics", "/mnt/lyrics"), ("my.corpora-2", "/data")]


@pytest.mark.parametrize("claim", ["lyrics", "lyrics:mnt", "Lyrics:/mnt", ":/mnt", "a:/", "a:/b/"])
def test_what_is_no_claim_is_refused(claim):
    with pytest.raises(ConfigError, match="is no claim and path: give such as"):
        ClusterOptions(claims=("lyrics:/mnt/lyrics", claim))


@pytest.mark.parametrize(
    "options", [{"memory_request": 9.0}, {"cpu_request": 3.0, "cpu_limit": 2.0}]
)
def test_a_limit_below_what_is_asked_for_is_refused(options):
    with pytest.raises(ConfigError, match="give a limit of that or more"):
        ClusterOptions(**options)


@pytest.mark.parametrize("root", ["/mnt/lyrics", "/mnt/lyrics/runs", "gs://bucket/lyrics"])
def test_a_root_on_a_claim_or_in_a_bucket_outlives_a_pod(root):
    options = ClusterOptions(claims=("lyrics:/mnt/lyrics",))
    assert options.warnings(root, "") == options.warnings(root, "s3://models/lyrics") == []


@pytest.mark.parametrize("root", ["/mnt/lyrics2", "/", "runs/lyrics"])
def test_a_root_that_goes_with_its_pod_is_warned_of(root):
    options = ClusterOptions(claims=("lyrics:/mnt/lyrics",))
    for name, places in {"--root": (root, ""), "--push-to": ("gs://bucket/root", root)}.items():
        (said,) = options.warnings(*places)
        assert f"{name} {root} is a directory in each container, of its own" in said
        assert "\n" not in said


@pytest.mark.parametrize("root", ["s3://bucket/lyrics", "minio://bucket/lyrics"])
def test_a_root_that_no_step_can_write_to_is_refused(root):
    with pytest.raises(ConfigError, match="is no place that a step writes to"):
        ClusterOptions().warnings(root, "")


def test_keys_of_secrets_are_variables():
    options = ClusterOptions(secrets=("minio:accesskey=AWS_ACCESS_KEY_ID,TOKEN", "other:a.b=B"))
    assert options.variables() == {
        "minio": {"accesskey": "AWS_ACCESS_KEY_ID", "TOKEN": "TOKEN"},
        "other": {"a.b": "B"},
    }


@pytest.mark.parametrize("secret", ["minio", "minio:", "Minio:a=B", "minio:a=", "minio:a=B,", ":a"])
def test_what_is_no_secret_is_refused(secret):
    with pytest.raises(ConfigError, match="is no Secret and its keys: give such as"):
        ClusterOptions(secrets=(secret,))


@pytest.mark.parametrize("variable", ["AWS_REGION", "=x", "1A=x", "A B=x"])
def test_what_is_no_variable_is_refused(variable):
    with pytest.raises(ConfigError, match="is no variable and value: give such as"):
        ClusterOptions(env=("AWS_REGION=", variable))
