"""What one run leaves to the next on Kubeflow; `make test-kubeflow-local`, for it takes minutes."""

import pytest
from kubeflow_walker import Run, Start, alone

pytestmark = [pytest.mark.slow, pytest.mark.kubeflow, pytest.mark.timeout(3600)]


# What is done where an option of the Trainer has changed, be it compiled or given.
FROM_TRAINER_ON = ["CorpusFingerprint", "Trainer", "BaselineModel", "Evaluator", "Pusher"]


@pytest.fixture(scope="module")
def start(user) -> Start:
    return alone(user)


@pytest.fixture(scope="module")
def first(run) -> Run:
    """Where nothing was pushed before."""
    return run()


@pytest.fixture(scope="module")
def first_version(first, pushed) -> int:
    (version,) = pushed()
    return version


@pytest.fixture(scope="module")
def again(first_version, run) -> Run:
    """Of the same pipeline: the corpus is looked at, and so are the pushed versions."""
    return run()


@pytest.fixture(scope="module")
def better(again, run) -> Run:
    """Of a model that is trained for longer, by a parameter of the run."""
    return run({"num_epochs": 8})


@pytest.fixture(scope="module")
def versions_before(better, pushed) -> list[int]:
    return pushed()


@pytest.fixture(scope="module")
def worse(versions_before, run) -> Run:
    """Of a model that hardly learns."""
    return run(learning_rate=1e-6)


def test_the_first_model_has_no_rival(first, first_version):
    assert "version" not in first.metadata("BaselineModel", "baseline")
    assert first.metadata("Evaluator", "blessing")["reason"] == "every threshold holds"
    pushed_model = first.metadata("Pusher", "pushed_model")
    assert pushed_model["pushed_version"] == str(first_version)


def test_what_has_not_changed_is_cached_and_pushed_once(again, first_version, better):
    assert again.tasks == ["CorpusFingerprint", "BaselineModel", "Evaluator", "Pusher"]
    assert len(again.cached) == 8
    assert "version" not in again.metadata("BaselineModel", "baseline")
    assert again.metadata("Pusher", "pushed_model")["pushed_version"] == str(first_version)


def test_a_better_model_is_compared_with_the_first_and_pushed(
    better, first_version, versions_before
):
    assert better.tasks == FROM_TRAINER_ON
    assert better.metadata("BaselineModel", "baseline")["version"] == first_version
    blessing = better.metadata("Evaluator", "blessing")
    assert blessing["baseline_model"] == better.outputs["BaselineModel", "baseline"]["uri"]
    old, new = versions_before
    assert old == first_version
    assert better.metadata("Pusher", "pushed_model")["pushed_version"] == str(new)


def test_a_worse_model_is_not_pushed(worse, versions_before, pushed):
    assert worse.tasks == FROM_TRAINER_ON
    assert worse.metadata("BaselineModel", "baseline")["version"] == versions_before[-1]
    blessing = worse.metadata("Evaluator", "blessing")
    assert blessing["blessed"] == 0
    assert "above the baseline model's" in blessing["reason"]
    assert pushed() == versions_before
