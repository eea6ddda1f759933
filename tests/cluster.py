"""A cluster that runs Kubeflow Pipelines: reached by `kubectl`, and by this project's command."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kfp
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

MOUNT = "/mnt/lyrics"
# Says which versions are what was pushed.
_LOOK = f"""
cd {MOUNT}/serving/lyrics 2> /dev/null || exit 0
for version in [0-9]*; do
    (cd "$version" && sha256sum --quiet --check assets.extra/SHA256SUMS) && echo "$version"
done
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """What the environment names; each attribute is the variable `KFP_…` of that name.

    Attributes:
        host: KFP's API or page.
        image: this project's, which the cluster can pull.
        namespace: where KFP's runs are.
        pipeline_root: where KFP stores artifacts; "" is the cluster's own choice.
        access_mode: of the claim; of more than one node it has to be ReadWriteMany.
        storage_class: of the claim; "" is the cluster's default.
        token_file: a file with a bearer token for KFP; "" is none.
        name: of the claim and the experiment that are made.
    """

    host: str
    image: str = "tfx-lyrics:latest"
    namespace: str = "kubeflow"
    pipeline_root: str = ""
    access_mode: str = "ReadWriteOnce"
    storage_class: str = ""
    token_file: str = ""
    name: str = field(default_factory=lambda: f"lyrics-test-{uuid.uuid4().hex[:8]}")

    @classmethod
    def named(cls) -> "Cluster":
        """By the environment."""
        known = (name for name in cls.__dataclass_fields__ if name != "name")
        given = {name: os.environ.get(f"KFP_{name.upper()}") for name in known}
        return cls(**{name: value for name, value in given.items() if value})

    def kubectl(self, *arguments: str, given: Json | None = None) -> str:
        """What it says; fails with what it says on standard error."""
        ended = subprocess.run(
            ["kubectl", "--namespace", self.namespace, *arguments],
            input=json.dumps(given) if given else None,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, f"kubectl {' '.join(arguments)}: {ended.stderr}"
        return ended.stdout

    @contextmanager
    def claim(self) -> Iterator[None]:
        """A claim that the stages' user can write to; it is removed, and so is what it holds."""
        self.kubectl("apply", "--filename", "-", given=self.claim_manifest())
        try:
            self.pod(f"touch {MOUNT}/.probe && rm {MOUNT}/.probe")
            yield
        finally:
            self.kubectl("delete", "pvc", self.name, "--wait=false")

    def claim_manifest(self) -> Json:
        spec: Json = {
            "accessModes": [self.access_mode],
            "resources": {"requests": {"storage": "2Gi"}},
        }
        if self.storage_class:
            spec["storageClassName"] = self.storage_class
        return _object("PersistentVolumeClaim", self.name, spec)

    def pod(self, script: str) -> str:
        """What a script says that runs beside the claim."""
        name = f"{self.name}-{uuid.uuid4().hex[:8]}"
        self.kubectl("apply", "--filename", "-", given=self.pod_manifest(name, script))
        try:
            done = "--for=jsonpath={.status.phase}=Succeeded"
            self.kubectl("wait", f"pod/{name}", done, "--timeout=600s")
            return self.kubectl("logs", name)
        finally:
            self.kubectl("delete", "pod", name, "--wait=false")

    def pod_manifest(self, name: str, script: str) -> Json:
        """A pod that the restricted profile takes, of the stages' user, and of the image's group 0.

        With `fsGroup`, Kubernetes makes the volume writable to that group where it can.
        """
        container = {
            "name": "look",
            "image": self.image,
            "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "claim", "mountPath": MOUNT}],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        spec = {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsUser": 1000,
                "runAsNonRoot": True,
                "fsGroup": 0,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": self.name}}],
        }
        return _object("Pod", name, spec)

    def versions(self) -> list[int]:
        """Those on the claim, each of them what was pushed."""
        return [int(line) for line in self.pod(_LOOK).split()]

    def submit(self, *options: str) -> Json:
        """Runs the smoke preset to its end; what `lyrics kubeflow submit --json` prints."""
        place = [f"--claim={self.name}:{MOUNT}", f"--root={MOUNT}", f"--image={self.image}"]
        whom = [f"--host={self.host}", f"--experiment={self.name}"]
        if self.pipeline_root:
            whom.append(f"--pipeline-root={self.pipeline_root}")
        if self.token_file:
            whom.append(f"--token-file={self.token_file}")
        lyrics = Path(sys.executable).with_name("lyrics")
        command = [lyrics, "kubeflow", "submit", "--preset=smoke", "--wait", "--json"]
        ended = subprocess.run(
            [*command, *place, *whom, *options], stdout=subprocess.PIPE, text=True
        )
        assert ended.returncode == 0, ended.stdout
        return json.loads(ended.stdout)

    def forget(self) -> None:
        """Removes the runs and their experiment; the artifacts stay in KFP's store."""
        token = Path(self.token_file).read_text().strip() if self.token_file else None
        client = kfp.Client(host=self.host, existing_token=token)
        experiment = client.get_experiment(experiment_name=self.name).experiment_id
        for run in client.list_runs(experiment_id=experiment, page_size=100).runs or []:
            client.delete_run(run.run_id)
        client.delete_experiment(experiment)

    @contextmanager
    def metadata(self) -> Iterator[metadata_store.MetadataStore]:
        """KFP's own store of metadata."""
        command = ["kubectl", "--namespace", self.namespace, "port-forward"]
        with subprocess.Popen(
            [*command, "svc/metadata-grpc-service", ":8080"], stdout=subprocess.PIPE, text=True
        ) as forwarding:
            try:
                said = forwarding.stdout.readline()
                port = re.match(r"Forwarding from 127\.0\.0\.1:(\d+) ", said)
                assert port, f"kubectl port-forward: {said!r}"
                there = mlmd.MetadataStoreClientConfig(host="127.0.0.1", port=int(port[1]))
                yield metadata_store.MetadataStore(there)
            finally:
                forwarding.terminate()

    def artifact(self, run: Json, name: str) -> dict[str, Any]:
        """What the metadata say of an artifact that a run put out, by its name in the pipeline."""
        with self.metadata() as store:
            context = store.get_context_by_type_and_name("system.PipelineRun", run["run"])
            found = [
                {key: _value(value) for key, value in artifact.custom_properties.items()}
                for artifact in store.get_artifacts_by_context(context.id)
            ]
        (artifact,) = (said for said in found if said.get("display_name") == name)
        return artifact


def _object(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _value(value: mlmd.Value) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")
