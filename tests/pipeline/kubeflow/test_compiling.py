import importlib
import re

import kfp.components
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.config import PRESETS
from pipeline.graph import create_pipeline
from pipeline.kubeflow.compiling import compile_pipeline
from pipeline.kubeflow.options import ClusterOptions

CLUSTER = ClusterOptions(
    image="registry/tfx-lyrics:1", claims=("lyrics:/mnt/lyrics", "corpora:/mnt/corpora")
)


@pytest.fixture(scope="module", params=[0, 2], ids=["untuned", "tuned"])
def config(request):
    return PRESETS["lyrics"].override(
        {
            "data": "gs://bucket/span-{SPAN}/v{VERSION}/*.zip",
            "root": "gs://bucket/lyrics",
            "num_trials": request.param,
        }
    )


@pytest.fixture(scope="module")
def path(config, tmp_path_factory):
    path = tmp_path_factory.mktemp("kubeflow") / "out" / "lyrics.yaml"
    compile_pipeline(config, CLUSTER, str(path))
    return path


@pytest.fixture(scope="module")
def documents(path):
    return [*yaml.safe_load_all(path.read_text())]


@pytest.fixture(scope="module")
def spec(documents):
    return documents[0]


def test_it_is_a_bare_pipeline_spec_of_schema_2_1(path, spec):
    assert spec["schemaVersion"] == "2.1.0"
    assert spec["pipelineInfo"]["name"] == "lyrics"
    assert not {"pipelineSpec", "runtimeConfig", "defaultPipelineRoot"} & spec.keys()
    assert [file.name for file in path.parent.iterdir()] == ["lyrics.yaml"]


def test_kfps_own_parser_takes_it(path, spec):
    component = kfp.components.load_component_from_file(str(path))
    assert component.name == "lyrics"
    assert component.pipeline_spec.root.dag.tasks.keys() == spec["root"]["dag"]["tasks"].keys()


def test_its_tasks_are_the_nodes_of_the_local_run_and_one_more(config, spec):
    nodes = [component.id for component in create_pipeline(config).components]
    assert spec["root"]["dag"]["tasks"].keys() == {*nodes, "CorpusFingerprint"}


def test_it_holds_nothing_that_open_source_kubeflow_refuses(spec):
    for label, executor in spec["deploymentSpec"]["executors"].items():
        assert executor.keys() == {"container"}  # neither resolvers nor importers
        container = executor["container"]
        assert container["image"] == "registry/tfx-lyrics:1"
        assert "lifecycle" not in container  # where an ExampleGen's driver would be
        module = "corpus" if label == "CorpusFingerprint_executor" else "entrypoint"
        assert container["command"] == ["python", "-m", f"pipeline.kubeflow.{module}"]
    tasks, components = spec["root"]["dag"]["tasks"], spec["components"]
    for task in tasks.values():
        inputs = components[task["componentRef"]["name"]]["inputDefinitions"]
        assert task["inputs"].get("parameters", {}).keys() == inputs.get("parameters", {}).keys()
        for parameter in task["inputs"].get("parameters", {}).values():
            ((kind, source),) = parameter.items()
            assert kind in {"runtimeValue", "componentInputParameter", "taskOutputParameter"}
            if kind == "taskOutputParameter":
                producer = tasks[source["producerTask"]]
                assert source["producerTask"] in task["dependentTasks"]
                put_out = components[producer["componentRef"]["name"]]["outputDefinitions"]
                assert source["outputParameterKey"] in put_out["parameters"]
        for artifact in task["inputs"].get("artifacts", {}).values():
            assert artifact["taskOutputArtifact"]["producerTask"] in tasks


def test_every_executor_can_be_imported(spec):
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if label == "CorpusFingerprint_executor":
            continue
        arguments = executor["container"]["args"]
        path = arguments[arguments.index("--executor_class_path") + 1]
        module, _, name = path.rpartition(".")
        assert hasattr(getattr(importlib.import_module(module), name), "Do")


def test_every_stage_has_its_memory_cores_and_retries(spec):
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"]["resources"] == {
            "memoryRequest": 2.0,
            "memoryLimit": 8.0,
            "cpuRequest": 1.0,
        }
    for task in spec["root"]["dag"]["tasks"].values():
        assert task["retryPolicy"]["maxRetryCount"] == 1


def test_the_second_document_is_what_kubernetes_is_to_know(documents):
    spec, platform = documents
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() == spec["deploymentSpec"]["executors"].keys()
    for executor in executors.values():
        assert executor == {
            "pvcMount": [
                {"constant": "lyrics", "mountPath": "/mnt/lyrics"},
                {"constant": "corpora", "mountPath": "/mnt/corpora"},
            ],
            "securityContext": {"runAsUser": 1000, "runAsNonRoot": True},
        }


def test_credentials_come_from_secrets_and_addresses_from_variables(config, tmp_path):
    path = tmp_path / "lyrics.yaml"
    secret = "minio:accesskey=AWS_ACCESS_KEY_ID,secretkey=AWS_SECRET_ACCESS_KEY"
    cluster = ClusterOptions(secrets=(secret,), env=("AWS_ENDPOINT_URL=http://minio:9000?a=b",))
    compile_pipeline(config.override({"push_to": "s3://models/lyrics"}), cluster, str(path))
    spec, platform = yaml.safe_load_all(path.read_text())
    for executor in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        (entry,) = executor["secretAsEnv"]
        assert entry["secretName"] == "minio"
        assert {key["secretKey"]: key["envVar"] for key in entry["keyToEnv"]} == {
            "accesskey": "AWS_ACCESS_KEY_ID",
            "secretkey": "AWS_SECRET_ACCESS_KEY",
        }
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"]["env"] == [
            {"name": "AWS_ENDPOINT_URL", "value": "http://minio:9000?a=b"}
        ]
    parameters = spec["components"]["Pusher"]["inputDefinitions"]["parameters"]
    assert "push_to" in parameters
    assert spec["root"]["inputDefinitions"]["parameters"]["push_to"]["defaultValue"] == (
        "s3://models/lyrics"
    )


def test_with_nothing_to_say_there_is_no_second_document(config, tmp_path):
    path = tmp_path / "lyrics.yaml"
    compile_pipeline(config, ClusterOptions(run_as_user=0, retries=0), str(path))
    (spec,) = yaml.safe_load_all(path.read_text())
    assert not [task for task in spec["root"]["dag"]["tasks"].values() if "retryPolicy" in task]


def test_what_looks_at_the_world_is_not_cached(spec):
    cached = {
        name: task.get("cachingOptions", {}).get("enableCache", False)
        for name, task in spec["root"]["dag"]["tasks"].items()
    }
    uncached = {name for name, is_cached in cached.items() if not is_cached}
    assert uncached == {"CorpusFingerprint", "BaselineModel", "Pusher"}


def test_the_clusters_paths_are_not_touched_here(spec):
    tasks = spec["root"]["dag"]["tasks"]
    parameters = tasks["LyricsExampleGen"]["inputs"]["parameters"]
    assert parameters["input_pattern"] == {"componentInputParameter": "data"}
    data = spec["root"]["inputDefinitions"]["parameters"]["data"]
    assert data["defaultValue"] == "gs://bucket/span-{SPAN}/v{VERSION}/*.zip"
    parameters = tasks["BaselineModel"]["inputs"]["parameters"]
    assert (
        parameters["base_directory"]["runtimeValue"]["constant"]
        == "gs://bucket/lyrics/serving/lyrics"
    )


def test_the_command_compiles_with_the_corpus_in_the_image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["kubeflow", "compile", "--mixture", "-o", "lyrics.yaml"])
    assert result.exit_code == 0, result.output
    assert result.stdout == "lyrics.yaml\n"
    assert "give one on a --claim NAME:/PATH" in result.stderr
    text = (tmp_path / "lyrics.yaml").read_text()
    assert "data/lyrics.zip" in text
    assert "/data/lyrics.zip" not in text
    assert "scored_validation" in text


@pytest.mark.parametrize("root", ["s3://bucket/lyrics", "minio://bucket/lyrics"])
def test_a_root_that_no_step_can_write_to_is_refused(tmp_path, root):
    output = str(tmp_path / "lyrics.yaml")
    result = CliRunner().invoke(main, ["kubeflow", "compile", "--root", root, "-o", output])
    assert result.exit_code == 1
    assert re.fullmatch(
        f"Error: --root {root} is no place that a step writes to: .*\n", result.stderr
    )
    assert not (tmp_path / "lyrics.yaml").exists()
