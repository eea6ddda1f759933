"""The files that bring TF Serving up elsewhere; neither its image nor a cluster is here to try."""

import http.server
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from modules.contract import GRPC_PORT, MODEL_NAME
from pipeline.cli import main
from serving.server.grpc.tls import server_credentials
from serving.server.text_protos import BatchingParameters, MonitoringConfig, read_text_proto

ROOT = Path(__file__).resolve().parents[1]
SERVING = ROOT / "serving" / "deploy"
COMPOSE = SERVING / "compose"
MANIFESTS = sorted((SERVING / "kubernetes").glob("*.yaml"))
READY = f"/v1/models/{MODEL_NAME}/metadata"

pytestmark = pytest.mark.fast


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def objects() -> dict[str, dict]:
    """The manifests by kind."""
    loaded = [load(path) for path in MANIFESTS]
    return {manifest["kind"]: manifest for manifest in loaded}


@pytest.fixture(scope="module")
def pod(objects) -> dict:
    return objects["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod) -> dict:
    (container,) = pod["containers"]
    return container


@pytest.fixture(scope="module")
def service() -> dict:
    """TF Serving in the compose file."""
    return load(COMPOSE / "compose.yaml")["services"]["lyrics"]


@pytest.mark.parametrize("version", ["1.29", "1.37"])
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_keep_the_schemas_of_kubernetes(path, version):
    assert kubernetes_validate.validate(load(path), version, strict=True) == version


def test_the_validator_finds_what_is_wrong(objects):
    wrong = {**objects["Service"], "spec": {**objects["Service"]["spec"], "selectors": {}}}
    with pytest.raises(kubernetes_validate.ValidationError, match="selectors"):
        kubernetes_validate.validate(wrong, "1.29", strict=True)


@pytest.mark.slow
@pytest.mark.parametrize(("indent", "status"), [("", 0), ("      ", 1)])
def test_compose_files_keep_the_compose_specification(tmp_path, indent, status):
    """The second time with a misplaced line, so that it is seen to be looked at."""
    files = []
    for path in COMPOSE.glob("compose*.yaml"):
        files.append(tmp_path / path.name)
        files[-1].write_text(path.read_text("utf-8") + f"\n{indent}x-tested: true\n")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, *files], capture_output=True, text=True)
    assert checked.returncode == status, checked.stdout


def test_kustomize_finds_its_files(objects, pod):
    kustomization = load(SERVING / "kustomization.yaml")
    assert sorted(SERVING / path for path in kustomization["resources"]) == MANIFESTS
    (config,) = kustomization["configMapGenerator"]
    assert all((SERVING / file).is_file() for file in config["files"])
    assert "generatorOptions" not in kustomization  # which could take the digest away
    names = {volume["name"]: volume for volume in pod["volumes"]}
    assert names["config"]["configMap"]["name"] == config["name"]
    claim = names["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == objects["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_models_config_is_what_tf_serving_reads():
    text = (SERVING / "config" / "models.config").read_text("utf-8")
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == (MODEL_NAME, f"/models/{MODEL_NAME}")
    assert model.model_platform == "tensorflow"


def test_the_local_server_reads_the_batching_parameters():
    path = str(SERVING / "config" / "batching.config")
    batching = read_text_proto("batching_parameters_file", path, BatchingParameters())
    assert batching.max_batch_size.value == 64
    assert batching.num_batch_threads.value == 2


def test_the_local_server_takes_the_same_flags(service):
    serve = main.commands["serve"]
    given = serve.make_context("serve", list(service["command"])).params
    assert given["rest_api_port"] == 8501
    assert given["allow_version_labels_for_unavailable_models"] is True
    assert given["enable_batching"] is True
    assert given["monitoring_config_file"] == "/config/monitoring.config"


def test_everywhere_the_same_server_is_started(service, container):
    over_tls = load(COMPOSE / "compose.tls.yaml")["services"]["lyrics"]["command"]
    assert over_tls == [*service["command"], "--ssl_config_file=/tls/ssl.config"]
    threads = [argument for argument in container["args"] if "parallelism" in argument]
    assert container["args"] == [*service["command"], *threads]
    assert container["image"] == service["image"]
    assert container["command"] == service["entrypoint"]


def test_the_image_is_of_the_tensorflow_that_is_installed(service):
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    (minor,) = re.findall(r"^tensorflow==(\d+\.\d+)\.", constraints, re.MULTILINE)
    assert service["image"].startswith(f"tensorflow/serving:{minor}.")


def test_flags_name_files_that_are_mounted(service, container):
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {volume["target"] for volume in service["volumes"]} == {"/models", "/config"}
    files = re.findall(r"=/config/(\S+)", "\n".join(service["command"]))
    assert sorted(files) == sorted(path.name for path in (SERVING / "config").iterdir())


def test_ports_are_the_ones_that_the_server_listens_on(service, container, objects):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": GRPC_PORT, "rest": 8501}
    assert [f"--port={GRPC_PORT}", "--rest_api_port=8501"] == container["args"][:2]
    offered = {port["name"]: port["port"] for port in objects["Service"]["spec"]["ports"]}
    assert offered == ports
    allowed = [
        port["port"]
        for rule in objects["NetworkPolicy"]["spec"]["ingress"]
        for port in rule["ports"]
    ]
    assert set(allowed) == set(ports)
    assert all(port.rpartition(":")[2] in ("8500", "8501") for port in service["ports"])


def test_everything_selects_the_same_pods(objects):
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    target = objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == objects["Deployment"]["metadata"]["name"]
    assert "replicas" not in objects["Deployment"]["spec"]  # or two would set their number


def test_no_more_rights_than_needed(pod, container, service):
    """What Kubernetes calls the restricted Pod Security Standard, and a read-only root."""
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod["automountServiceAccountToken"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert service["user"] == "10001:10001"
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(volume["read_only"] for volume in service["volumes"])


def test_without_tls_only_this_machine_is_served(service):
    assert service["ports"] == ["${BIND:-127.0.0.1}:8500:8500", "127.0.0.1:8501:8501"]


def test_probes_ask_what_the_server_answers(container, service):
    assert container["readinessProbe"]["httpGet"] == {"path": READY, "port": "rest"}
    assert container["startupProbe"]["httpGet"] == container["readinessProbe"]["httpGet"]
    assert container["livenessProbe"]["httpGet"]["path"] == READY.removesuffix("/metadata")
    assert f"GET {READY} HTTP/1.0" in service["healthcheck"]["test"][-1]


def healthcheck(service: dict, port: int) -> int:
    command = service["healthcheck"]["test"]
    assert command[:3] == ["CMD", "bash", "-c"]
    script = command[3].replace("$$", "$").replace("8501", str(port))
    return subprocess.run(["bash", "-c", script], capture_output=True).returncode


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (404, False)])
def test_the_health_check_reads_the_status(service, status, healthy):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == READY else 500)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        assert (healthcheck(service, server.server_port) == 0) == healthy
        server.shutdown()
    assert healthcheck(service, server.server_port) != 0  # nobody there


def test_prometheus_asks_where_the_metrics_are(objects):
    (job,) = load(COMPOSE / "prometheus.yaml")["scrape_configs"]
    path = str(SERVING / "config" / "monitoring.config")
    monitoring = read_text_proto("monitoring_config_file", path, MonitoringConfig())
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == job["metrics_path"]
    annotations = objects["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == job["metrics_path"]
    assert job["static_configs"] == [{"targets": ["lyrics:8501"]}]


def answer(port: int, **certificates: bytes) -> grpc.StatusCode:
    """Of a server without services, to a client that trusts its authority or not."""
    credentials = grpc.ssl_channel_credentials(**certificates)
    with (
        grpc.secure_channel(f"localhost:{port}", credentials) as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        channel.unary_unary("/no/service")(b"", timeout=20)
    return error.value.code()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl on the PATH to make them with")
def test_the_certificates_are_good_for_mutual_tls(tmp_path):
    script = SERVING / "tls" / "make-certificates.sh"
    subprocess.run([script, tmp_path, "my-host"], check=True, capture_output=True)
    names = dict(root_certificates="ca", private_key="client-key", certificate_chain="client")
    client = {name: (tmp_path / f"{file}.pem").read_bytes() for name, file in names.items()}
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.rglob("*"))
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = server_credentials(str(tmp_path / "server" / "ssl.config"))
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        assert answer(port, **client) == grpc.StatusCode.UNIMPLEMENTED  # it has been let in
        assert answer(port) == grpc.StatusCode.UNAVAILABLE
        assert answer(port, root_certificates=client["root_certificates"]) == (
            grpc.StatusCode.UNAVAILABLE
        )
    finally:
        server.stop(None)
