"""Requests that run together, and get the answers they would have got alone."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

from serving.server.batching.batching_model import BatchingModel
from serving.server.batching.parameters import BatchingOptions
from serving.server.batching.scheduler import BatchScheduler
from serving.server.runtime.callers import PATIENT
from serving.server.runtime.loaded_model import LoadedModel

REPEAT = {"text": np.array(["a"], object), "times": np.array([1], np.int32)}
FOREVER = 60_000_000  # microseconds: a batch only runs when it is full


@pytest.fixture
def load(repeater):
    """Loads a batching version; closes it in the end."""
    loaded = []

    def batching(**options) -> BatchingModel:
        scheduler = BatchScheduler(BatchingOptions(**{"batch_timeout_micros": FOREVER} | options))
        loaded.append((scheduler, BatchingModel(1, repeater / "1", scheduler)))
        return loaded[-1][1]

    yield batching
    for scheduler, model in loaded:
        scheduler.close()
        model.close()


@pytest.fixture(scope="module")
def alone(repeater):
    model = LoadedModel(1, repeater / "1")
    yield lambda *arguments, **inputs: predict(model, *arguments, **inputs)
    model.close()


def predict(model, signature, output_filter=(), caller=PATIENT, **inputs):
    """Values by output; inputs are lists."""
    protos = {
        name: tf.make_tensor_proto(values, tf.string if name == "text" else tf.int32)
        for name, values in inputs.items()
    }
    outputs = model.predict(signature, protos, output_filter, caller)
    return {name: tf.make_ndarray(proto).tolist() for name, proto in outputs.items()}


@pytest.fixture
def at_once():
    """Starts calls, each in a thread of its own, in this order."""
    with ThreadPoolExecutor(32) as pool:

        def start(*calls):
            futures = []
            for *call, inputs in calls:
                futures.append(pool.submit(*call, **inputs))
                time.sleep(0.02)  # in this order
            return futures

        yield start


def test_requests_run_together_and_are_told_apart(load, at_once):
    model = load(max_batch_size=6)
    answers = at_once(
        (predict, model, "repeat", {"text": ["a", "b"], "times": [1, 2]}),
        (predict, model, "repeat", {"text": ["c"], "times": [3]}),
        (predict, model, "repeat", {"text": ["d", "e", "f"], "times": [0, 1, 2]}),
    )
    assert [answer.result(20) for answer in answers] == [
        {"text": [b"a", b"bb"], "rows": [6, 6]},
        {"text": [b"ccc"], "rows": [6]},
        {"text": [b"", b"e", b"ff"], "rows": [6, 6, 6]},
    ]


def test_rows_are_filled_up_to_an_allowed_batch_size(load):
    model = load(max_batch_size=8, allowed_batch_sizes=(4, 8), batch_timeout_micros=0)
    answer = predict(model, "repeat", text=["a", "b"], times=[1, 2])
    assert answer == {"text": [b"a", b"bb"], "rows": [4, 4]}


def test_other_outputs_are_another_batch(load, at_once):
    model = load(max_batch_size=2)
    inputs = {"text": ["a"], "times": [1]}
    answers = at_once(
        (predict, model, "repeat", ["rows"], inputs),
        (predict, model, "repeat", inputs),
        (predict, model, "repeat", ["rows"], inputs),
        (predict, model, "repeat", ["text", "rows"], inputs),
    )
    assert [answer.result(20) for answer in answers] == [
        {"rows": [2]},
        {"text": [b"a"], "rows": [2]},
        {"rows": [2]},
        {"text": [b"a"], "rows": [2]},
    ]


def test_outputs_of_the_same_name_are_told_apart(load, at_once):
    model = load(max_batch_size=2)
    inputs = {"text": ["a"], "times": [3]}
    answers = at_once(
        *[(predict, model, "repeat", ["text"], inputs)] * 2,
        *[(predict, model, "number", inputs)] * 2,
    )
    assert [answer.result(20)["text"] for answer in answers] == [[b"aaa"], [b"aaa"], [2], [2]]


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("split", {"text": ["ab", "c"]}),  # as wide as the longest of the batch
        ("count", {"text": ["a"]}),  # not one row for each of the batch
        ("repeat", {"text": ["a", "b"], "times": []}),
        ("repeat", {"text": [], "times": []}),
    ],
)
def test_what_would_not_be_the_same_runs_alone(load, alone, signature, inputs):
    model = load(max_batch_size=1000)  # a batch would never run
    try:
        expected = alone(signature, **inputs)
    except tf.errors.OpError as error:
        with pytest.raises(type(error)):
            predict(model, signature, **inputs)
    else:
        assert predict(model, signature, **inputs) == expected


def test_a_filter_can_make_a_signature_batch(load, at_once):
    model = load(max_batch_size=2)
    answers = at_once(
        (predict, model, "split", ["rows"], {"text": ["ab"]}),
        (predict, model, "split", ["rows"], {"text": ["c"]}),
    )
    assert [answer.result(20) for answer in answers] == [{"rows": [2]}, {"rows": [2]}]


def test_the_error_of_one_does_not_meet_the_others(load, at_once):
    model = load(max_batch_size=3)
    good, bad, other = at_once(
        (predict, model, "repeat", {"text": ["a"], "times": [1]}),
        (predict, model, "repeat", {"text": ["b"], "times": [-1]}),
        (predict, model, "repeat", {"text": ["c"], "times": [2]}),
    )
    assert good.result(20) == {"text": [b"a"], "rows": [1]}
    assert other.result(20) == {"text": [b"cc"], "rows": [1]}
    with pytest.raises(tf.errors.InvalidArgumentError, match="times is negative"):
        bad.result(20)


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("repeat", {"text": ["a", "b", "c"], "times": [1, 1, 1]}),
        ("split", {"text": ["a", "b", "c"]}),  # would run alone
    ],
)
def test_a_request_larger_than_a_batch_is_refused(load, signature, inputs):
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"^Task size 3 is larger than maximum input batch size 2$",
    ):
        predict(load(max_batch_size=2), signature, **inputs)


def test_many_callers_get_what_they_would_have_got_alone(load, alone):
    model = load(max_batch_size=64, batch_timeout_micros=2000, num_batch_threads=2)
    requests = [
        {"text": [chr(97 + n % 26)] * (1 + n % 3), "times": [n % 7] * (1 + n % 3)}
        for n in range(320)
    ]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda inputs: predict(model, "repeat", **inputs), requests))
    for answer, inputs in zip(answers, requests, strict=True):
        assert answer["text"] == alone("repeat", ["text"], **inputs)["text"]
    assert max(answer["rows"][0] for answer in answers) > 3  # they did run together


@dataclass
class Caller:
    """Gives up when told to."""

    deadline: float = float("inf")  # on the monotonic clock
    active: bool = True

    def is_active(self) -> bool:
        return self.active

    def time_remaining(self) -> float:
        return max(self.deadline - time.monotonic(), 0)


def test_a_cancelled_request_leaves_the_queue(load, at_once):
    model = load(max_batch_size=2)
    caller = Caller()
    inputs = {"text": ["a"], "times": [1]}
    (cancelled,) = at_once((predict, model, "repeat", (), caller, inputs))
    caller.active = False
    (other,) = at_once((predict, model, "repeat", inputs))
    assert other.result(20)["rows"] == [1]
    with pytest.raises(tf.errors.CancelledError, match="was cancelled"):
        cancelled.result(20)


@pytest.mark.parametrize("kind", ["batching", "plain"])
def test_a_passed_deadline_is_not_begun(load, repeater, kind):
    model = load() if kind == "batching" else LoadedModel(1, repeater / "1")
    with pytest.raises(tf.errors.DeadlineExceededError, match="deadline has passed"):
        predict(model, "spin", (), Caller(deadline=0), steps=[1])
    with pytest.raises(tf.errors.CancelledError, match="was cancelled"):
        predict(model, "spin", (), Caller(active=False), steps=[1])


@pytest.mark.parametrize("kind", ["batching", "plain"])
def test_a_deadline_stops_what_runs(load, repeater, kind):
    model = load(batch_timeout_micros=0) if kind == "batching" else LoadedModel(1, repeater / "1")
    start = time.monotonic()
    with pytest.raises(tf.errors.DeadlineExceededError):
        predict(model, "spin", (), Caller(deadline=start + 0.2), steps=[2_000_000_000])
    assert time.monotonic() - start < 5


def test_a_batch_runs_until_the_last_deadline(load, at_once):
    model = load(max_batch_size=2)
    start = time.monotonic()
    early, late = at_once(
        (predict, model, "spin", (), Caller(start + 0.3), {"steps": [2_000_000_000]}),
        (predict, model, "spin", (), Caller(start + 0.8), {"steps": [1]}),
    )
    with pytest.raises(tf.errors.DeadlineExceededError):
        early.result(20)
    assert time.monotonic() - start > 0.7
    with pytest.raises(tf.errors.DeadlineExceededError):
        late.result(20)


def test_a_batch_stops_when_all_its_callers_have_gone(load, at_once):
    model = load(max_batch_size=2)
    callers = [Caller(), Caller()]
    answers = at_once(
        *[(predict, model, "spin", (), caller, {"steps": [2_000_000_000]}) for caller in callers]
    )
    callers[0].active = False
    (other,) = at_once((LoadedModel.run, model, "repeat", REPEAT, ["text"], [PATIENT], {}))
    assert other.result(20)["text"].tolist() == [b"a"]  # the looks go on
    assert not any(answer.done() for answer in answers)
    callers[1].active = False
    for answer in answers:
        with pytest.raises(tf.errors.CancelledError, match="was cancelled"):
            answer.result(20)


def test_nothing_is_left_waiting_when_a_batch_breaks(load, at_once):
    model = load(max_batch_size=2)
    model.close()
    inputs = {"text": ["a"], "times": [1]}
    for answer in at_once(*[(predict, model, "repeat", inputs)] * 2):
        with pytest.raises(tf.errors.CancelledError, match="was unloaded"):
            answer.result(20)
