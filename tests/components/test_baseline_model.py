import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tfx.types import standard_artifacts

from components import saved_models
from components.baseline_model import BaselineModel
from components.baseline_model.executor import Choice, Executor, newest_other_version


@pytest.fixture
def base(tmp_path) -> Path:
    """Where versions are pushed; not there before the first."""
    return tmp_path / "served"


@pytest.fixture
def execute(tmp_path, base):
    """Runs the executor as on Kubeflow, where no driver sets `version`; returns its output."""

    def run(model, **properties):
        baseline = standard_artifacts.Model()
        baseline.uri = str(tmp_path / "baseline")
        os.makedirs(baseline.uri)
        Executor().Do(
            {"model": [model]},
            {"baseline": [baseline]},
            {"base_directory": str(base), "source_digest": "0", **properties},
        )
        return baseline

    return run


def files(artifact, content_of) -> dict[str, bytes]:
    return content_of(Path(artifact.uri, "Format-Serving"))


def test_nothing_pushed_leaves_the_output_empty(execute, write_model):
    baseline = execute(write_model("candidate"))
    assert os.listdir(baseline.uri) == []
    assert not baseline.has_custom_property("version")


@pytest.mark.parametrize("stray", [".abc.unfinished", "latest", "0", "-3"])
def test_what_is_no_version_is_no_baseline(execute, write_model, write_version, stray):
    write_version(stray, "stray")
    assert os.listdir(execute(write_model("candidate")).uri) == []


def test_the_newest_version_is_handed_out_whole(
    execute, write_model, write_version, content_of, whole_model
):
    for version, content in ((9, "old"), (1000, "new"), (200, "older")):
        write_version(version, content)
    baseline = execute(write_model("candidate"))
    assert files(baseline, content_of) == whole_model("new")
    assert baseline.get_int_custom_property("version") == 1000


def test_a_candidate_is_not_its_own_baseline(
    execute, write_model, write_version, content_of, whole_model
):
    write_version(1, "other")
    write_version(2, "candidate")
    write_version(3, "candidate")
    assert files(execute(write_model("candidate")), content_of) == whole_model("other")


def test_a_candidate_alone_has_no_baseline(execute, write_model, write_version):
    write_version(1, "candidate")
    assert os.listdir(execute(write_model("candidate")).uri) == []


def test_an_older_push_of_the_candidate_hides_nothing(base, write_model, write_version):
    write_version(1, "candidate")
    write_version(2, "other")
    model = write_model("candidate").uri + "/Format-Serving"
    assert newest_other_version(str(base), model) == Choice(2, "")


@pytest.fixture
def write_other_task(write_version) -> Callable[[int], None]:
    """Writes a version that has a signature which the candidate lacks."""

    def write(version: int) -> None:
        model = SavedModel()
        model.meta_graphs.add().signature_def["fill"].method_name = "predict"
        path = write_version(version, "another task's") / "saved_model.pb"
        path.write_bytes(model.SerializeToString())

    return write


def test_a_version_of_another_task_is_no_baseline(
    execute, write_model, write_version, write_other_task, content_of, whole_model
):
    write_version(1, "old")
    write_other_task(2)
    assert files(execute(write_model("candidate")), content_of) == whole_model("old")


def test_versions_of_another_task_alone_are_no_baseline(execute, write_model, write_other_task):
    write_other_task(1)
    assert os.listdir(execute(write_model("candidate")).uri) == []


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGE = {
    "it has no saved_model.pb": lambda path: (path / "saved_model.pb").unlink(),
    "its saved_model.pb is damaged": lambda path: cut_short(path / "saved_model.pb"),
    "its variables are damaged or missing": lambda path: shutil.rmtree(path / "variables"),
}
DAMAGED_VARIABLES = {
    "index": lambda path: cut_short(path / "variables.index"),
    "values": lambda path: cut_short(path / "variables.data-00000-of-00001"),
    "no values": lambda path: (path / "variables.data-00000-of-00001").unlink(),
}


@pytest.mark.parametrize(("fault", "damage"), DAMAGE.items(), ids=DAMAGE)
def test_a_damaged_version_is_passed_over_and_named(
    execute, write_model, write_version, content_of, whole_model, fault, damage
):
    write_version(1, "old")
    damage(write_version(2, "new"))
    baseline = execute(write_model("candidate"))
    assert files(baseline, content_of) == whole_model("old")
    said = baseline.get_string_custom_property("passed_over")
    assert said == f"version 2 cannot be compared with: {fault}"


@pytest.mark.parametrize("damage", DAMAGED_VARIABLES.values(), ids=DAMAGED_VARIABLES)
def test_whatever_is_wrong_with_variables_is_found(write_version, damage):
    path = write_version(2, "new")
    assert saved_models.fault(str(path)) is None
    damage(path / "variables")
    assert saved_models.fault(str(path)) == "its variables are damaged or missing"


def test_weights_that_are_no_numbers_are_a_fault(write_version):
    def save(**tensors):
        tf.raw_ops.SaveV2(
            prefix=f"{path}/variables/variables",
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=[tf.constant(values) for values in tensors.values()],
        )

    path = write_version(2, "new")
    save(weights=[1.0], mixture_weights=[math.nan])  # which were not fitted
    assert saved_models.fault(str(path)) is None
    save(weights=[1.0, math.nan], mixture_weights=[0.5])
    assert saved_models.fault(str(path)) == "it has weights that are no numbers"


def test_the_drivers_choice_is_kept(execute, write_model, write_version, content_of, whole_model):
    """A version pushed since then belongs to another key of the cache."""
    write_version(1, "old")
    write_version(2, "new")
    baseline = execute(write_model("candidate"), version=1)
    assert files(baseline, content_of) == whole_model("old")


def test_the_drivers_choice_of_none_is_kept(execute, write_model, write_version):
    write_version(1, "pushed since then")
    assert os.listdir(execute(write_model("candidate"), version=0).uri) == []


def test_a_version_that_is_gone_by_now_is_an_error(execute, write_model, write_version):
    """Not an output with an empty model in it, which would go into the cache."""
    write_version(1, "old")
    with pytest.raises(Exception, match="2"):
        execute(write_model("candidate"), version=2)


def test_a_directory_without_a_model_is_no_baseline(
    execute, base, write_model, write_version, content_of, whole_model
):
    """A server passes over it too; here it would fail every evaluation from now on."""
    write_version(1, "old")
    (base / "2").mkdir()
    assert files(execute(write_model("candidate")), content_of) == whole_model("old")


@pytest.fixture
def run(workplace, import_artifact, base):
    """Runs BaselineModel in a pipeline; returns its state."""

    def run(model) -> str:
        candidate = import_artifact("candidate", model)
        baseline_model = BaselineModel(candidate.outputs["result"], base_directory=str(base))
        return workplace.run(candidate, baseline_model)["BaselineModel"]

    return run


def test_the_cache_misses_when_there_is_another_baseline_and_only_then(
    run, workplace, write_model, write_version, content_of, whole_model, edit_sources
):
    def chosen() -> tuple[int, dict[str, bytes]]:
        uri, properties = workplace.output("BaselineModel", "baseline")
        return properties.get("version", 0), content_of(uri)

    candidate = write_model("candidate")
    assert run(candidate) == "COMPLETE"
    assert chosen() == (0, {})
    properties = workplace.properties("BaselineModel")  # parts of the cache's key
    assert (properties["version"], properties["passed_over"]) == (0, "")
    assert run(candidate) == "CACHED"
    assert chosen() == (0, {})

    write_version(5, "candidate")  # the candidate is pushed: nothing to compare it with is new
    assert run(candidate) == "CACHED"

    write_version(6, "other")
    copies = {f"Format-Serving/{name}": text for name, text in whole_model("other").items()}
    assert run(candidate) == "COMPLETE"
    assert chosen() == (6, copies)
    assert run(candidate) == "CACHED"
    assert chosen() == (6, copies)

    write_version(7, "candidate")  # and pushed again
    assert run(candidate) == "CACHED"
    assert chosen() == (6, copies)

    assert run(write_model("next")) == "COMPLETE"
    assert chosen()[0] == 7
    assert run(write_model("next")) == "CACHED"
    edit_sources("baseline_model")
    assert run(write_model("next")) == "COMPLETE"


def test_the_output_says_which_version_it_is(run, workplace, write_model, write_version):
    write_version(12, "old")
    run(write_model("candidate"))
    uri, properties = workplace.output("BaselineModel", "baseline")
    assert properties["version"] == workplace.properties("BaselineModel")["version"] == 12
    assert os.listdir(uri) == ["Format-Serving"]


def test_an_unreadable_version_fails_and_is_not_remembered(
    run, workplace, write_model, write_version
):
    """An exception in the driver would leave the execution running for ever."""
    broken = write_version(3, "broken") / "variables" / "gone"
    broken.symlink_to(broken.with_name("nowhere"))
    with pytest.raises(Exception, match="gone"):
        run(write_model("candidate"))
    assert workplace.states() == {"BaselineModel": "FAILED"}
    broken.unlink()
    assert run(write_model("candidate")) == "COMPLETE"
    assert workplace.properties("BaselineModel")["version"] == 3
