import shutil
import threading
import time
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.pusher import Pusher
from components.pusher.driver import is_lost
from components.pusher.executor import Executor
from components.saved_models import CHECKSUMS
from modules import versions


@pytest.fixture
def base(tmp_path) -> Path:
    """Where versions are pushed; not there before the first."""
    return tmp_path / "served" / "lyrics"


@pytest.fixture
def destination(base):
    return tfx.proto.PushDestination(
        filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(base))
    )


@pytest.fixture
def write_blessing(tmp_path):
    """The artifact of an evaluation, `name`, that blessed a model or did not."""

    def write(blessed: int, name: str = "evaluation"):
        artifact = standard_artifacts.ModelBlessing()
        artifact.uri = str(tmp_path / name)
        artifact.set_int_custom_property("blessed", blessed)
        return artifact

    return write


@pytest.fixture
def execute(tmp_path, destination, write_blessing):
    """Runs the executor; returns its output."""

    def run(model, blessed: int = 1):
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(tmp_path / "pushed" / Path(model.uri).name)
        Executor().Do(
            {"model": [model], "model_blessing": [write_blessing(blessed)]},
            {"pushed_model": [pushed]},
            {"push_destination": proto_utils.proto_to_json(destination)},
        )
        return pushed

    return run


def found(base) -> list[int]:
    return [*versions.directories(str(base))]


def test_a_blessed_model_becomes_a_version(execute, base, write_model, content_of, whole_model):
    before = int(time.time())
    pushed = execute(write_model("good"))
    (version,) = found(base)
    assert before <= version <= time.time()
    files = content_of(base / str(version))
    assert len(files.pop(CHECKSUMS).splitlines()) == len(files)
    assert files == whole_model("good")
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(base / str(version))
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert content_of(Path(pushed.uri)) == whole_model("good")


def test_a_model_that_is_not_blessed_goes_nowhere(execute, base, write_model, content_of):
    pushed = execute(write_model("bad"), blessed=0)
    assert not base.exists()
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("pushed_destination")
    assert content_of(Path(pushed.uri)) == {}


def test_a_model_that_is_not_blessed_leaves_the_versions_alone(
    execute, base, write_model, content_of
):
    execute(write_model("good"))
    before = content_of(base)
    execute(write_model("bad"), blessed=0)
    assert content_of(base) == before


def test_pushes_within_a_second_are_versions_each(execute, base, write_model):
    start = time.time()
    pushed = [execute(write_model(name)) for name in "abcde"]
    assert time.time() - start < 4  # so at least two of the five share a second
    numbers = [int(artifact.get_string_custom_property("pushed_version")) for artifact in pushed]
    assert numbers == sorted(set(numbers)) == found(base)
    contents = [(base / str(number) / "assets" / "characters").read_text() for number in numbers]
    assert contents == list("abcde")


def test_the_newest_model_is_not_pushed_again(execute, base, write_model):
    model = write_model("good")
    first, again = execute(model), execute(model)
    assert len(found(base)) == 1
    for name in ("pushed_destination", "pushed_version"):
        assert again.get_string_custom_property(name) == first.get_string_custom_property(name)
    assert again.get_int_custom_property("pushed") == 1


def test_a_version_is_lost_if_its_content_is(execute, base, write_model):
    push = execute(write_model("good")).mlmd_artifact
    assert not is_lost(push)
    (version,) = found(base)
    weights = base / str(version) / "variables" / "variables.index"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert is_lost(push)
    shutil.rmtree(base)
    assert is_lost(push)


def test_a_version_whose_checksums_are_lost_is_pushed_again(execute, base, write_model):
    model = write_model("good")
    push = execute(model).mlmd_artifact
    (version,) = found(base)
    (base / str(version) / CHECKSUMS).write_text("0  saved_model.pb\n")
    assert is_lost(push)
    again = execute(model).mlmd_artifact
    assert len(found(base)) == 2
    assert not is_lost(again)


def test_going_back_to_an_older_model_is_a_new_version(execute, base, write_model):
    for name in "aba":
        execute(write_model(name))
    contents = [(base / str(v) / "assets" / "characters").read_text() for v in found(base)]
    assert contents == ["a", "b", "a"]


def test_a_poller_sees_whole_versions_only(execute, base, write_model, content_of):
    models = [write_model(str(number)) for number in range(8)]
    for model in models:
        for shard in range(40):
            path = Path(model.uri, "Format-Serving", "variables", f"shard-{shard}")
            path.write_text(Path(model.uri).name * 10_000)
    seen, done = set(), threading.Event()

    def poll():
        while not done.is_set():
            for version in found(base):
                content = content_of(base / str(version))
                seen.add((version, len(content), len(b"".join(content.values()))))

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        for model in models:
            execute(model)
    finally:
        done.set()
        poller.join()
    model = content_of(Path(models[0].uri, "Format-Serving"))
    pushed = content_of(base / str(found(base)[0]))
    assert pushed.keys() == {*model, CHECKSUMS}
    whole = (len(pushed), len(b"".join(pushed.values())))
    assert {(files, size) for _, files, size in seen} == {whole}
    assert {version for version, _, _ in seen} <= set(found(base))
    assert len(found(base)) == 8


def test_a_push_that_fails_leaves_nothing_behind(execute, base, write_model):
    model = write_model("broken")
    Path(model.uri, "Format-Serving", "variables", "gone").symlink_to("nowhere")
    with pytest.raises(Exception, match="gone"):
        execute(model)
    assert not base.exists()


def test_without_a_destination_nothing_is_pushed(
    destination, execute, write_model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    destination.Clear()
    with pytest.raises(Exception, match=r"destination|directory"):
        execute(write_model("good"))
    assert not any(name.isdecimal() for name in {p.name for p in tmp_path.iterdir()} - before)


@pytest.fixture
def run(workplace, import_artifact, base, write_blessing):
    """Runs Pusher in a pipeline; returns its state."""

    def run(model, blessed: int = 1, evaluation: str = "evaluation") -> str:
        models = import_artifact("model", model)
        blessings = import_artifact("evaluation", write_blessing(blessed, evaluation))
        pusher = Pusher(
            model=models.outputs["result"],
            model_blessing=blessings.outputs["result"],
            base_directory=str(base),
        )
        return workplace.run(models, blessings, pusher)["Pusher"]

    return run


def test_a_cached_rerun_pushes_nothing(run, workplace, base, write_model, content_of, whole_model):
    model = write_model("good")
    assert run(model) == "COMPLETE"
    before, first = content_of(base), workplace.output("Pusher", "pushed_model")
    assert run(model) == "CACHED"
    assert content_of(base) == before
    assert workplace.output("Pusher", "pushed_model") == first
    uri, properties = first
    (version,) = found(base)
    assert content_of(uri) == whole_model("good")
    assert properties["pushed"] == 1
    assert properties["pushed_version"] == str(version)
    assert properties["pushed_destination"] == str(base / str(version))


def test_a_model_blessed_anew_is_not_pushed_twice(run, workplace, base, write_model):
    model = write_model("good")
    run(model)
    assert run(model, evaluation="another evaluation") == "COMPLETE"
    (version,) = found(base)
    assert workplace.output("Pusher", "pushed_model")[1]["pushed_version"] == str(version)


def test_what_others_lost_is_not_pushed_again(
    run, workplace, base, write_model, import_artifact, tmp_path
):
    model = write_model("good")
    run(model)
    place, properties = workplace.output("Pusher", "pushed_model")
    other = standard_artifacts.PushedModel()  # in a store that several roots share
    other.uri = str(place)
    other.set_string_custom_property("pushed_destination", str(tmp_path / "others" / "7"))
    other.set_string_custom_property("pushed_version", "7")
    workplace.run(import_artifact("other", other))
    assert run(model) == "CACHED"
    assert found(base) == [int(properties["pushed_version"])]


def test_in_a_pipeline_too_only_blessed_models_are_pushed(run, workplace, base, write_model):
    assert run(write_model("bad"), blessed=0) == "COMPLETE"
    assert not base.exists()
    assert workplace.output("Pusher", "pushed_model")[1]["pushed"] == 0
    assert run(write_model("good"), evaluation="another evaluation") == "COMPLETE"
    assert len(found(base)) == 1
