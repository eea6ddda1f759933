import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tensorflow.errors import OpError

from components.pusher.publish import publish
from components.saved_models import digest
from modules.versions import directories, path_of

FUTURE = 9_999_999_999  # seconds: the clock has not got there


@pytest.fixture
def base(tmp_path):
    return tmp_path / "served" / "lyrics"


@pytest.fixture
def model(tmp_path):
    """Makes a directory that looks like a SavedModel."""

    def make(content: str = "weights"):
        directory = tmp_path / "models" / content
        for name in ("saved_model.pb", "assets/characters", "variables/variables.index"):
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return directory

    return make


def push(model, base) -> int:
    return publish(str(model), str(base))


def found(base) -> list[int]:
    return [*directories(str(base))]


def test_a_version_is_the_model_numbered_by_the_clock(model, base):
    before = int(time.time())
    version = push(model(), base)
    assert before <= version <= time.time()
    assert found(base) == [version]
    assert path_of(str(base), version) == str(base / str(version))
    assert digest(str(base / str(version))) == digest(str(model()))
    assert (base / str(version) / "variables" / "variables.index").read_text() == "weights"
    assert os.listdir(base) == [str(version)]


def test_two_pushes_within_a_second_are_two_versions(model, base):
    pushed = [push(model(name), base) for name in "abc"]
    assert pushed == sorted(set(pushed))
    assert found(base) == pushed
    contents = [(base / str(version) / "assets" / "characters").read_text() for version in pushed]
    assert contents == ["a", "b", "c"]


def test_a_later_push_is_newer_whatever_the_clock_says(model, base):
    (base / str(FUTURE)).mkdir(parents=True)
    assert push(model(), base) == FUTURE + 1


def test_the_newest_model_is_not_pushed_again(model, base):
    version = push(model("a"), base)
    assert push(model("a"), base) == version
    assert found(base) == [version]


def test_an_older_model_is_pushed_again(model, base):
    first, second = push(model("a"), base), push(model("b"), base)
    third = push(model("a"), base)  # a roll-back
    assert found(base) == [first, second, third]


@pytest.mark.parametrize(
    "name", ["0", "007", "latest", "-1", "+1", "1.5", "1e3", "1_0", "１２", str(2**63), ".9"]
)
def test_other_names_are_no_versions(model, base, name):
    (base / name).mkdir(parents=True)
    assert found(base) == []
    version = push(model(), base)
    assert found(base) == [version]
    assert version <= time.time()


def test_files_are_no_versions(base):
    base.mkdir(parents=True)
    (base / "12").write_text("not a directory")
    assert found(base) == []


def test_versions_ascend_as_numbers(base):
    for name in ("10", "9", "1", str(2**63 - 1)):
        (base / name).mkdir(parents=True)
    assert found(base) == [1, 9, 10, 2**63 - 1]


def test_no_directory_has_no_versions(base):
    assert found(base) == []


@pytest.mark.timeout(20)
def test_a_file_in_the_way_of_the_next_number_is_passed_over(model, base):
    (base / str(FUTURE)).mkdir(parents=True)
    (base / str(FUTURE + 1)).write_text("not a directory")
    assert push(model(), base) == FUTURE + 2


@pytest.mark.timeout(20)
def test_after_the_largest_version_there_is_none(model, base):
    (base / str(2**63 - 1)).mkdir(parents=True)
    with pytest.raises((OpError, ValueError)):
        push(model("a"), base)
    assert found(base) == [2**63 - 1]


def test_a_failing_copy_leaves_nothing(model, base):
    broken = model("broken")
    (broken / "variables" / "gone").symlink_to(broken / "nowhere")
    with pytest.raises(OpError, match="gone"):
        push(broken, base)
    assert os.listdir(base) == []
    version = push(model("whole"), base)
    with pytest.raises(OpError, match="gone"):
        push(broken, base)
    assert os.listdir(base) == [str(version)]


def test_a_model_that_is_not_there_is_no_version(tmp_path, base):
    with pytest.raises(FileNotFoundError):
        push(tmp_path / "nowhere", base)
    assert found(base) == []


def test_whoever_polls_sees_whole_versions_only(model, base):
    directory = model()
    for i in range(30):
        (directory / "variables" / f"shard-{i}").write_text("0" * 10_000)
    names = [path.relative_to(directory) for path in directory.rglob("*") if path.is_file()]
    incomplete, polls, done = [], 0, threading.Event()

    def poll():
        nonlocal polls
        while not done.is_set():
            polls += 1
            for version in map(str, found(base)):
                incomplete.extend(n for n in names if not (base / version / n).is_file())

    base.mkdir(parents=True)
    poller = threading.Thread(target=poll)
    poller.start()
    try:
        for i in range(12):
            (directory / "saved_model.pb").write_text(str(i))
            push(directory, base)
    finally:
        done.set()
        poller.join()
    assert polls > 12
    assert len(found(base)) == 12
    assert incomplete == []


def test_pushes_at_the_same_time_are_versions_each(model, base):
    contents = [f"model {i}" for i in range(8)]
    barrier = threading.Barrier(8, timeout=20)

    def push_one(content):
        directory = model(content)
        barrier.wait()
        return push(directory, base)

    with ThreadPoolExecutor(8) as pool:
        pushed = list(pool.map(push_one, contents))
    assert sorted(pushed) == found(base)
    assert len(set(pushed)) == 8
    assert sorted(os.listdir(base)) == sorted(map(str, pushed))
    served = [(base / str(version) / "assets" / "characters").read_text() for version in pushed]
    assert served == contents


@pytest.mark.parametrize(("umask", "said"), [(0o022, 0), (0o077, 1)])
def test_a_version_that_others_cannot_read_is_said_so(model, base, caplog, umask, said):
    before = os.umask(umask)
    try:
        version = push(model(), base)
    finally:
        os.umask(before)
    assert caplog.text.count(f"not every user can read {base}/{version}, by this") == said
