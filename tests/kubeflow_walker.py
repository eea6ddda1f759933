"""Executes a compiled pipeline as Kubeflow Pipelines 2.17 does, without a cluster.

What its API server, its driver and its launcher do is restated here, not taken from the project:

    driver      resolves a task's inputs, writes its ExecutorInput, looks into the cache
    launcher    lays the inputs on the step's own disk, fills in the command's placeholders, runs
                it, uploads the outputs and registers them with the metadata that it wrote

Between steps nothing is shared but the object store, a real server that speaks as S3 does, and the
claims that the platform's document mounts. A step is a process of its own in an empty directory,
and of another user where one is named.
"""

import json
import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

PROJECT = Path(__file__).resolve().parents[1]
SESSION = '{"Provider":"minio","Params":{"endpoint":"minio-service.kubeflow:9000"}}'
KINDS = {  # JSON knows one kind of number
    "STRING": lambda value: isinstance(value, str),
    "NUMBER_INTEGER": lambda value: isinstance(value, int | float) and value == int(value),
    "NUMBER_DOUBLE": lambda value: isinstance(value, int | float),
    "BOOLEAN": lambda value: isinstance(value, bool),
}

PRELOADED = [
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "tfx.components",
    "pipeline.graph",
    "modules.trainer",
]

Json = dict[str, Any]


# Of a module, its arguments and an empty directory: the status it ended with, and what it said.
Start = Callable[[str, list[str], Path], tuple[int, str]]


def alone(user: int | None = None) -> Start:
    """A step is a new process, of this user id, and imports TFX: as in a container."""

    def start(module: str, arguments: list[str], work: Path) -> tuple[int, str]:
        if user is not None:
            for path in (work.parent, *work.parent.rglob("*")):
                os.chown(path, user, user)
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=work,
            env={"PATH": os.defpath, "PYTHONPATH": str(PROJECT), **_environment(work)},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
        )
        return ended.returncode, ended.stderr

    return start


def forked() -> Start:
    """A step is a process forked from one that has imported TFX: in a tenth of the time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def start(module: str, arguments: list[str], work: Path) -> tuple[int, str]:
        log = work.with_name("log")
        step = context.Process(target=_step, args=(module, arguments, work, log))
        step.start()
        step.join()
        return step.exitcode, log.read_text()

    return start


def _step(module: str, arguments: list[str], work: Path, log: Path) -> None:
    os.chdir(work)
    os.environ.update(_environment(work))
    tempfile.tempdir = None  # as the environment says now
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


def _environment(work: Path) -> dict[str, str]:
    return {
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(work),
        "TMPDIR": str(work),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


class StepFailed(Exception):
    """A step's process ended with another status than 0."""


@dataclass
class Run:
    """What became of a run.

    Attributes:
        parameters: of the run, by name.
        tasks: names of those that were executed, in order.
        cached: names of those that were not, for the cache had their outputs.
        inputs: each executed task's ExecutorInput.
        outputs: by task and channel, the artifact that is registered.
        values: by task and parameter, the value that it put out.
    """

    parameters: Json
    tasks: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    inputs: dict[str, Json] = field(default_factory=dict)
    outputs: dict[tuple[str, str], Json] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)

    def metadata(self, task: str, channel: str) -> Json:
        """Of an artifact."""
        return self.outputs[task, channel]["metadata"]


class Kubeflow:
    """A place where pipelines are run.

    Args:
        bucket: of the object store, as boto3 has it.
        folder: where the steps' disks are; whoever runs the steps may enter it.
        claims: which claims there are, and where each lies: what is mounted has to be there.
        start: starts a step: `alone` or `forked`.
    """

    def __init__(self, bucket: Any, folder: Path, claims: dict[str, Path], start: "Start") -> None:
        self._bucket, self._folder, self._claims, self._start = bucket, folder, claims, start
        self._artifacts = 0
        self._cache: dict[str, tuple[dict[str, Json], Json]] = {}

    def run(self, file: Path, parameters: Json | None = None) -> Run:
        """Executes all tasks of a compiled pipeline, each after those that it needs.

        Args:
            file: the compiled pipeline.
            parameters: of the run; the others have their defaults.

        Raises:
            StepFailed: if a step did; what comes after it is not executed.
        """
        spec, *platforms = yaml.safe_load_all(file.read_text("utf-8"))
        self._check_claims(platforms)
        tasks, run = spec["root"]["dag"]["tasks"], Run(_given(spec["root"], parameters or {}))
        root = f"minio://{self._bucket.name}/v2/artifacts/{spec['pipelineInfo']['name']}"
        run_root = f"{root}/{uuid.uuid4()}"
        for name in TopologicalSorter(
            {name: set(_needs(tasks[name])) for name in tasks}
        ).static_order():
            self._run_task(name, tasks[name], spec, run_root, run)
        return run

    def _run_task(self, name: str, task: Json, spec: Json, run_root: str, run: Run) -> None:
        component = spec["components"][task["componentRef"]["name"]]
        executors = spec["deploymentSpec"]["executors"]
        container = executors[component["executorLabel"]]["container"]
        given = {
            "inputs": _inputs(task, component, run),
            "outputs": _outputs(component, f"{run_root}/{name}/{uuid.uuid4()}"),
        }
        key = _cache_key(container, given)
        may_be_cached = task.get("cachingOptions", {}).get("enableCache", False)
        if may_be_cached and key in self._cache:
            run.cached.append(name)
            registered, values = self._cache[key]
        else:
            run.tasks.append(name)
            run.inputs[name] = given
            registered, values = self._launch(name, container, given)
            if may_be_cached:
                self._cache[key] = registered, values
        run.outputs |= {(name, channel): artifact for channel, artifact in registered.items()}
        run.values |= {(name, parameter): value for parameter, value in values.items()}

    def _launch(self, name: str, container: Json, given: Json) -> tuple[dict[str, Json], Json]:
        """What is registered of each artifact that it puts out, and the value of each parameter."""
        disk = self._folder / f"{name}-{uuid.uuid4().hex[:8]}"
        disk.mkdir()
        for _, artifact in _each(given["inputs"]):
            self._download(artifact["uri"], _on(disk, artifact["uri"]))
        for _, artifact in _each(given["outputs"]):
            _on(disk, artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)
        self._execute(name, container, given, disk)
        registered = {}
        answer = _answer(disk / given["outputs"]["outputFile"].lstrip("/"))
        for channel, artifact in _each(given["outputs"]):
            merged = _merged(artifact, answer.get(channel, {}))
            self._upload(_on(disk, merged["uri"]), merged["uri"])
            self._artifacts += 1
            merged["name"] = str(self._artifacts)
            merged["metadata"] |= {"display_name": channel, "store_session_info": SESSION}
            registered[channel] = merged
        values = {
            parameter: (disk / output["outputFile"].lstrip("/")).read_text()
            for parameter, output in given["outputs"].get("parameters", {}).items()
        }
        shutil.rmtree(disk)
        return registered, values

    def _execute(self, name: str, container: Json, given: Json, disk: Path) -> None:
        """The step itself, which knows of its own disk and the claims alone."""
        work = disk / "work"
        work.mkdir()
        python, dash_m, module = container["command"]
        assert (python, dash_m) == ("python", "-m")
        filled = [_filled(argument, given) for argument in container["args"]]
        status, said = self._start(module, [*filled, f"--mounts={disk}"], work)
        if status:
            raise StepFailed(f"{name} ended with {status}:\n{said[-4000:]}")

    def _check_claims(self, platforms: list[Json]) -> None:
        for platform in platforms:
            deployment = platform["platforms"]["kubernetes"]["deploymentSpec"]
            for executor in deployment["executors"].values():
                for mount in executor.get("pvcMount", []):
                    assert self._claims[mount["constant"]] == Path(mount["mountPath"])

    def _download(self, uri: str, path: Path) -> None:
        key = _key(uri)
        for found in self._bucket.objects.filter(Prefix=key):
            if found.key == key or found.key.startswith(f"{key}/"):
                target = path / os.path.relpath(found.key, key)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._bucket.download_file(found.key, str(target))

    def _upload(self, path: Path, uri: str) -> None:
        """Files alone: of an empty directory nothing is kept."""
        for file in path.rglob("*"):
            if file.is_file():
                self._bucket.upload_file(str(file), f"{_key(uri)}/{file.relative_to(path)}")
        if path.is_file():
            self._bucket.upload_file(str(path), _key(uri))


def _given(root: Json, parameters: Json) -> Json:
    """The run's parameters, those that were not given at their defaults."""
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    assert parameters.keys() <= declared.keys()
    return {name: about["defaultValue"] for name, about in declared.items()} | parameters


def _needs(task: Json) -> Iterator[str]:
    """The tasks that have to end before this one starts."""
    yield from task.get("dependentTasks", [])
    for source in task["inputs"].get("artifacts", {}).values():
        yield source["taskOutputArtifact"]["producerTask"]
    for source in task["inputs"].get("parameters", {}).values():
        if "taskOutputParameter" in source:
            yield source["taskOutputParameter"]["producerTask"]


def _inputs(task: Json, component: Json, run: Run) -> Json:
    """Parameters and artifacts as the driver writes them: of an artifact the type is not said."""
    kinds = component.get("inputDefinitions", {}).get("parameters", {})
    inputs: Json = {}
    for name, source in task["inputs"].get("parameters", {}).items():
        if "componentInputParameter" in source:
            value = run.parameters[source["componentInputParameter"]]
        elif "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            value = run.values[output["producerTask"], output["outputParameterKey"]]
        else:
            value = source["runtimeValue"]["constant"]
        assert KINDS[kinds[name]["parameterType"]](value), (name, value)
        inputs.setdefault("parameterValues", {})[name] = value
    for name, source in task["inputs"].get("artifacts", {}).items():
        output = source["taskOutputArtifact"]
        artifact = run.outputs[output["producerTask"], output["outputArtifactKey"]]
        said = {**artifact, "type": {"instanceSchema": ""}}
        inputs.setdefault("artifacts", {})[name] = {"artifacts": [said]}
    return inputs


def _outputs(component: Json, task_root: str) -> Json:
    """As with PUBLISH_LOGS, which adds an output that no component declares."""
    declared = component.get("outputDefinitions", {}).get("artifacts", {})
    types = {name: artifact["artifactType"] for name, artifact in declared.items()}
    types["executor-logs"] = {"schemaTitle": "system.Artifact"}
    artifacts = {
        name: {"artifacts": [{"name": name, "type": kind, "uri": f"{task_root}/{name}"}]}
        for name, kind in types.items()
    }
    outputs: Json = {"artifacts": artifacts}
    for name in component.get("outputDefinitions", {}).get("parameters", {}):
        file = {"outputFile": f"/tmp/kfp/outputs/{name}"}
        outputs.setdefault("parameters", {})[name] = file
    output_file = f"/minio/{task_root.removeprefix('minio://')}/output_metadata.json"
    return outputs | {"outputFile": output_file}


def _each(side: Json) -> Iterator[tuple[str, Json]]:
    for name, channel in side.get("artifacts", {}).items():
        for artifact in channel["artifacts"]:
            yield name, artifact


def _on(disk: Path, uri: str) -> Path:
    """Where the launcher lays an artifact."""
    return disk / "minio" / uri.removeprefix("minio://")


def _key(uri: str) -> str:
    """The object's key in the bucket."""
    return uri.removeprefix("minio://").partition("/")[2]


def _filled(argument: str, given: Json) -> str:
    assert "{{$." not in argument  # the launcher knows these; the pipeline uses none
    return argument.replace("{{$}}", json.dumps(given))


def _answer(output_file: Path) -> dict[str, Json]:
    """By channel; the launcher takes what the schema has, and nothing else."""
    if not output_file.exists():
        return {}
    message = pipeline_spec_pb2.ExecutorOutput()
    json_format.Parse(output_file.read_text(), message)
    answer = json_format.MessageToDict(message).get("artifacts", {})
    return {name: channel["artifacts"][0] for name, channel in answer.items()}


def _merged(artifact: Json, answered: Json) -> Json:
    metadata = artifact.get("metadata", {}) | answered.get("metadata", {})
    return artifact | {"uri": answered.get("uri", artifact["uri"]), "metadata": metadata}


def _cache_key(container: Json, given: Json) -> str:
    """What KFP keys on: the ids of artifacts, not what is in them."""
    ids = {name: artifact["name"] for name, artifact in _each(given["inputs"])}
    outputs = sorted(name for name, _ in _each(given["outputs"]))
    parameters = given["inputs"].get("parameterValues", {})
    return json.dumps([container, ids, outputs, parameters], sort_keys=True)
