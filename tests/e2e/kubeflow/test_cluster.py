"""Runs on a real cluster, which the environment names: `make test-kubeflow`, docs/kubeflow.md."""

import pytest
from cluster import Cluster, Json

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(4 * 3600)]


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster.named()
    with cluster.claim():
        yield cluster
        cluster.forget()


@pytest.fixture(scope="module")
def first(cluster) -> Json:
    """A run where nothing was pushed before."""
    return cluster.submit()


@pytest.fixture(scope="module")
def version(cluster, first) -> int:
    (version,) = cluster.versions()
    return version


@pytest.fixture(scope="module")
def again(cluster, version) -> Json:
    return cluster.submit()


@pytest.fixture(scope="module")
def worse(cluster, again) -> Json:
    """Of a model that hardly learns."""
    return cluster.submit("--learning-rate=1e-6")


def states(run: Json) -> set[str]:
    return {stage["state"] for stage in run["outcome"]["stages"]}


def test_a_whole_run_succeeds_and_its_model_is_pushed(cluster, first, version):
    assert first["outcome"]["state"] == "SUCCEEDED"
    assert len(first["outcome"]["stages"]) == 12
    assert states(first) <= {"SUCCEEDED", "CACHED", "SKIPPED"}
    assert cluster.artifact(first, "pushed_model")["pushed_version"] == str(version)


def test_figures_and_verdict_are_in_kfps_metadata(cluster, first):
    metrics = cluster.artifact(first, "metrics")
    assert 1 < metrics["eval perplexity"] < metrics["eval unigram_perplexity"]
    blessing = cluster.artifact(first, "blessing")
    assert blessing["blessed"] == 1
    assert blessing["reason"] == "every threshold holds"


def test_an_unchanged_run_pushes_nothing(cluster, again, version):
    assert again["outcome"]["state"] == "SUCCEEDED"
    assert cluster.versions() == [version]


def test_a_worse_model_is_not_pushed(cluster, worse, version):
    assert worse["outcome"]["state"] == "SUCCEEDED"
    assert cluster.versions() == [version]
    blessing = cluster.artifact(worse, "blessing")
    assert blessing["blessed"] == 0
    assert "above the baseline model's" in blessing["reason"]
