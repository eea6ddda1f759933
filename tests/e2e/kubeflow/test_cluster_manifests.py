"""What is sent to a cluster is what Kubernetes takes: shown here, where there is none."""

import kubernetes_validate
import pytest
from cluster import Cluster


@pytest.mark.parametrize("storage_class", ["", "standard"])
def test_kubernetes_takes_the_claim_and_the_pods(monkeypatch, storage_class):
    monkeypatch.setenv("KFP_HOST", "http://localhost:8080")
    monkeypatch.setenv("KFP_STORAGE_CLASS", storage_class)
    cluster = Cluster.named()
    assert (cluster.host, cluster.storage_class) == ("http://localhost:8080", storage_class)
    for manifest in (cluster.claim_manifest(), cluster.pod_manifest("look", "true")):
        kubernetes_validate.validate(manifest, "1.31", strict=True)
