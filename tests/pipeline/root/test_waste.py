"""What `lyrics clean` frees, in a store as LocalDagRunner leaves it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.cli import main
from pipeline.root.store import Store
from serving.rollout.config_file import ConfigFile
from serving.rollout.policy import Policy


class Root:
    """A root of runs of one stage, each with a model of its own, which the third pushed too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.metadata = Store(str(path)).metadata
        self.types = {
            "pipeline": self.metadata.put_context_type(mlmd.ContextType(name="pipeline")),
            "run": self.metadata.put_context_type(mlmd.ContextType(name="pipeline_run")),
            "stage": self.metadata.put_execution_type(mlmd.ExecutionType(name="Pusher")),
            "pushed": self.metadata.put_artifact_type(
                mlmd.ArtifactType(
                    name="PushedModel", properties={"pushed_version": mlmd.PropertyType.STRING}
                )
            ),
        }
        pipeline = mlmd.Context(type_id=self.types["pipeline"], name="lyrics")
        (self.pipeline,) = self.metadata.put_contexts([pipeline])

    @property
    def serving(self) -> Path:
        return self.path / "serving" / "lyrics"

    def run(self, number: int, state: str = "COMPLETE") -> Path:
        """Runs; pushes the version of that number. Returns where its output is."""
        output = self.path / "artifacts" / "Pusher" / "pushed_model" / str(number)
        artifact = mlmd.Artifact(type_id=self.types["pushed"], uri=str(output))
        artifact.custom_properties["pushed_version"].string_value = str(number)
        execution = mlmd.Execution(
            type_id=self.types["stage"],
            last_known_state=mlmd.Execution.State.Value(state),
        )
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        context = mlmd.Context(type_id=self.types["run"], name=f"run {number}")
        (context.id,) = self.metadata.put_contexts([context])
        within = mlmd.ParentContext(parent_id=self.pipeline, child_id=context.id)
        self.metadata.put_parent_contexts([within])
        (pipeline,) = self.metadata.get_contexts_by_id([self.pipeline])
        self.metadata.put_execution(execution, [(artifact, event)], [pipeline, context])
        write(output / "model", self.serving / str(number) / "model")
        return output


def write(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(2**20))


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(tmp_path / "root")


def clean(root, *arguments):
    return CliRunner().invoke(main, ["clean", "--root", str(root.path), *arguments])


def served(root) -> list[int]:
    return sorted(int(path.name) for path in root.serving.iterdir() if path.is_dir())


def test_the_newest_runs_stay_with_what_they_need(root):
    outputs = [root.run(number) for number in (1, 2, 3)]
    write(root.path / "unfinished" / "abc" / "ckpt")
    looked = clean(root, "--dry-run", "--keep=2", "--json")
    assert looked.exit_code == 0, looked.output
    found = json.loads(looked.stdout)
    assert found["paths"] == {
        "artifacts": [str(outputs[0])],
        "trainings that were cut off": [str(root.path / "unfinished" / "abc")],
        "versions": [str(root.serving / "1")],
        "what killed runs left": [],
    }
    assert found["freed"] is False
    assert outputs[0].exists()
    cleaned = clean(root, "--keep=2")
    assert cleaned.stdout.endswith(f"Version     {root.serving / '1'}\nFreed 3.0 MB.\n")
    assert [output.exists() for output in outputs] == [False, True, True]
    assert served(root) == [2, 3]
    assert clean(root, "--keep=2").stdout.endswith("Freed 0.0 MB.\n")


def test_a_run_that_did_not_end_well_stays_besides_and_so_does_its_training(root):
    outputs = [root.run(1), root.run(2), root.run(3, "FAILED")]
    write(root.path / "unfinished" / "abc" / "ckpt")
    clean(root)
    assert [output.exists() for output in outputs] == [False, True, False]  # it put nothing out
    assert (root.path / "unfinished" / "abc").exists()


def test_what_the_model_config_names_is_never_touched(root):
    for number in (1, 2, 3, 4, 5):
        root.run(number)
    file = ConfigFile(root.serving / "models.config")
    file.set_policy("lyrics", Policy({"stable": 1, "canary": 3}, (1,)), str(root.serving))
    file.write()
    clean(root)
    assert served(root) == [1, 3, 5]


def test_a_root_without_runs_is_refused_and_left_alone(tmp_path):
    refused = CliRunner().invoke(main, ["clean", "--root", str(tmp_path / "none")])
    assert refused.exit_code == 1
    assert refused.output.endswith("none holds no runs: give the root of some\n")
    assert not (tmp_path / "none").exists()
