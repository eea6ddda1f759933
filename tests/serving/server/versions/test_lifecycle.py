"""Versions that come, break and go while the server answers."""

import contextlib
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Iterator

import pytest
import tensorflow as tf
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from waiting import until

from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer
from serving.server.versions.lifecycle import Loading, ModelVersions
from serving.server.versions.model_config import single
from serving.server.versions.served_models import Models

LOADING, AVAILABLE, UNLOADING, END = (
    getattr(ModelVersionStatus, state) for state in ("LOADING", "AVAILABLE", "UNLOADING", "END")
)


LYRICS = ModelSpec(name="lyrics")


@pytest.fixture
def models(base_path) -> Iterator[Models]:
    """With one model, whose versions are to be put below the base path."""
    models = Models()
    with contextlib.suppress(tf.errors.UnknownError):  # there is none yet
        models.reload(single("lyrics", str(base_path)))
    yield models
    models.close()


def states(models: Models) -> dict[int, int]:
    return {status.version: status.state for status in models.statuses(LYRICS)}


def perplexity(client: LyricsClient) -> int:
    (score,) = client.score(["abc"])
    return round(score.perplexity)


def test_only_the_newest_is_loaded(models, push):
    push(version=9, vocab_size=10)
    push(version=10, vocab_size=20)
    models.poll()
    assert states(models) == {10: AVAILABLE}
    models.close()
    assert states(models) == {10: END}


def test_nothing_to_serve_yet(models):
    models.poll()
    with pytest.raises(tf.errors.NotFoundError, match="any versions of model lyrics"):
        models.statuses(LYRICS)
    with pytest.raises(tf.errors.NotFoundError, match=r"Latest\(lyrics\)"), models.use(LYRICS):
        pass


def test_a_name_is_read_as_a_number(models, base_path, push):
    push(version=123, vocab_size=10)
    (base_path / "123").rename(base_path / "00000123")
    models.poll()
    assert states(models) == {123: AVAILABLE}


def test_a_new_version_takes_over(client, push):
    assert perplexity(client) == 10
    push(version=2, vocab_size=20)
    until(lambda: perplexity(client) == 20)
    assert client.wait_until_ready(5) == 2


def test_no_request_fails_while_versions_change(client, push):
    seen, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(perplexity(client))  # an error here leaves the thread's mark unset

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version, vocab_size in [(2, 20), (3, 10), (4, 20)]:
        push(version, vocab_size)
        until(lambda version=version: client.wait_until_ready(5) == version)
    alive = [thread.is_alive() for thread in threads]
    stop.set()
    for thread in threads:
        thread.join()
    assert all(alive)
    assert set(seen) == {10, 20}


def test_nothing_is_kept_of_a_version_that_cannot_be_loaded():
    class Graph:
        """What takes megabytes."""

    loaded = []

    def load(number, path):
        graph = Graph()
        loaded.append(weakref.ref(graph))
        raise tf.errors.DataLossError(None, None, f"version {number} is broken")

    versions = ModelVersions("lyrics", Loading(load, max_num_load_retries=0))
    for number in (1, 2, 3):
        versions.aspire({number: "/"})
        versions.manage()
    gc.collect()
    assert [graph() for graph in loaded] == [None, None, None]
    status, *_ = versions.statuses()
    assert (status.version, status.state) == (3, END)
    assert status.status.error_message == "version 3 is broken"
    assert status.status.error_code == tf.errors.DATA_LOSS


def test_versions_that_are_gone_are_forgotten_in_the_end():
    versions = ModelVersions("lyrics", Loading(lambda *_: 1 / 0, max_num_load_retries=0))
    for number in range(1, 151):
        versions.aspire({number: "/"})
        versions.manage()
    assert [status.version for status in versions.statuses()] == [*range(150, 49, -1)]


def test_a_folder_that_is_removed_meanwhile_is_a_line(tmp_path, caplog):
    def load(number, path):
        path.rmdir()
        raise tf.errors.NotFoundError(None, None, "Restoring from checkpoint failed.\nMany\nlines")

    (tmp_path / "7").mkdir()
    versions = ModelVersions("lyrics", Loading(load))
    versions.aspire({7: str(tmp_path / "7")})
    versions.manage()
    (status,) = versions.statuses()
    assert status.status.error_message == f"{tmp_path / '7'} was removed while it was loaded"
    assert status.status.error_code == tf.errors.NOT_FOUND


def test_a_version_in_use_stays_loaded(models, push):
    push(version=1, vocab_size=10)
    models.poll()
    inputs = {"text": tf.make_tensor_proto(["a"])}
    with models.use(LYRICS) as first:
        push(version=2, vocab_size=20)
        models.poll()
        assert states(models) == {1: UNLOADING, 2: AVAILABLE}
        with models.use(LYRICS) as second:
            assert second.version == 2
        assert first.predict("score", inputs)["perplexity"].float_val[0] == pytest.approx(10)
        assert states(models)[1] == UNLOADING
    assert states(models) == {1: END, 2: AVAILABLE}
    with pytest.raises(tf.errors.CancelledError, match="was unloaded"):
        first.predict("score", inputs)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, tf.errors.NOT_FOUND),
        (b"", tf.errors.UNKNOWN),
        (b"no protocol buffer", tf.errors.UNKNOWN),
    ],
)
def test_a_broken_version_leaves_the_good_one_alone(models, base_path, push, content, code):
    push(version=1, vocab_size=10)
    models.poll()
    (base_path / "2").mkdir()
    if content is not None:
        (base_path / "2" / "saved_model.pb").write_bytes(content)
    models.poll()
    assert states(models) == {2: LOADING, 1: AVAILABLE}  # to be tried again
    assert models.statuses(LYRICS)[0].status.error_code == code
    assert models.statuses(LYRICS)[0].status.error_message
    with models.use(LYRICS) as model:
        assert model.version == 1


def test_a_broken_version_is_tried_again_a_few_times(base_path, push, saved_model, caplog):
    loading = Loading(max_num_load_retries=2, load_retry_interval_micros=0)
    models = Models(loading)
    push(version=1, vocab_size=10)
    models.reload(single("lyrics", str(base_path)))
    (base_path / "2").mkdir()
    models.poll()
    failures = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(failures) == 3
    assert failures[0].startswith("version 2 of lyrics cannot be loaded: Could not find SavedModel")
    assert states(models) == {2: END, 1: AVAILABLE}
    shutil.copytree(saved_model(20), base_path / "2", dirs_exist_ok=True)
    models.poll()
    assert states(models) == {2: END, 1: AVAILABLE}  # given up
    (base_path / "2").rename(base_path / "3")
    models.poll()
    assert states(models) == {3: AVAILABLE, 2: END, 1: END}
    models.close()


def test_a_version_that_is_whole_at_the_second_try(base_path, saved_model):
    models = Models(Loading(load_retry_interval_micros=50_000))
    (base_path / "2").mkdir()
    with pytest.raises(tf.errors.UnknownError, match=r"^1 model\(s\) did not become available"):
        models.reload(single("lyrics", str(base_path)))
    shutil.copytree(saved_model(20), base_path / "2", dirs_exist_ok=True)
    models.manage()
    assert states(models) == {2: LOADING}  # it waits

    def is_loaded() -> bool:
        models.manage()
        return states(models) == {2: AVAILABLE}

    until(is_loaded)
    assert not models.statuses(LYRICS)[0].status.error_message
    models.close()


def test_taking_a_broken_version_away_ends_its_tries(models, base_path, push):
    push(version=1, vocab_size=10)
    (base_path / "2").mkdir()
    models.poll()
    assert states(models) == {2: LOADING}  # 1 is not the latest
    (base_path / "2").rmdir()
    models.poll()
    assert states(models) == {2: END, 1: AVAILABLE}


def test_removing_versions_goes_back_until_there_are_none(models, base_path, push):
    push(version=1, vocab_size=10)
    push(version=2, vocab_size=20)
    models.poll()
    shutil.rmtree(base_path / "2")
    models.poll()
    assert states(models) == {2: END, 1: AVAILABLE}
    shutil.rmtree(base_path / "1")
    models.poll()
    assert states(models) == {2: END, 1: END}
    push(version=2, vocab_size=20)
    models.poll()
    assert states(models) == {2: AVAILABLE, 1: END}


def test_a_base_path_that_goes_away_changes_nothing(base_path, client, caplog):
    base_path.rename(base_path.with_name("elsewhere"))
    until(lambda: caplog.text.count("cannot look for versions of lyrics") > 1)
    assert perplexity(client) == 10
    base_path.with_name("elsewhere").rename(base_path)


def test_without_polling_nothing_changes(base_path, push):
    push(version=1, vocab_size=10)
    with (
        ModelServer(
            ServerOptions(str(base_path), port=0, file_system_poll_wait_seconds=0)
        ) as server,
        LyricsClient(server.target) as client,
    ):
        push(version=2, vocab_size=20)
        time.sleep(0.2)
        assert perplexity(client) == 10
