"""The gate at work: TFMA over written windows, with SavedModels whose figures are scripted."""

import json
import math
import os
import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.evaluator import Evaluator
from components.evaluator.executor import Executor
from pipeline.config import GateOptions
from pipeline.gate import eval_config

SPLITS = ["scored_train", "scored_eval"]


class ScriptedModel(tf.Module):
    """Answers `evaluate` with figures that a test has chosen.

    Args:
        costs: the vocabulary; of each character, 1 / P(character), the perplexity of a text
            that is only that character.
        unknown: the same of any character that is not in the vocabulary, 1 / P(<unk>).
        unigram, uniform: the same of every character under those models.
    """

    def __init__(self, costs, unknown=1.0, unigram=8.0, uniform=16.0):
        super().__init__()
        ids = range(1, len(costs) + 1)
        entries = tf.lookup.KeyValueTensorInitializer([*costs], [*ids], tf.string, tf.int64)
        self.vocabulary = tf.lookup.StaticHashTable(entries, 0)
        self.nats = tf.constant([math.log(cost) for cost in (unknown, *costs.values())])
        self.unigram, self.uniform = math.log(unigram), math.log(uniform)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples):
        spec = {
            "text": tf.io.FixedLenFeature([], tf.string),
            "context": tf.io.FixedLenFeature([], tf.int64),
        }
        windows = tf.io.parse_example(examples, spec)
        text = tf.strings.unicode_split(windows["text"], "UTF-8")  # [B, (n)]
        positions = tf.ragged.range(text.row_lengths())
        scored = tf.ragged.boolean_mask(text, positions >= windows["context"][:, None])
        ids = tf.ragged.map_flat_values(self.vocabulary.lookup, scored)
        costs = tf.ragged.map_flat_values(lambda i: tf.gather(self.nats, i), ids)
        characters = scored.row_lengths()
        unknown = tf.ragged.boolean_mask(scored, ids == 0)
        return {
            "nats": tf.reduce_sum(costs, axis=1),
            "unigram_nats": tf.cast(characters, tf.float32) * self.unigram,
            "uniform_nats": tf.cast(characters, tf.float32) * self.uniform,
            "characters": characters,
            "unknown_characters": tf.strings.reduce_join(unknown, axis=1),
        }


def window(text, document, split, context=0):
    """A scored window as SequenceWindows writes it."""

    def of_bytes(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    def of_int(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    feature = {
        "text": of_bytes(text),
        "context": of_int(context),
        "document": of_bytes(document),
        "document_index": of_int(0),
        "position": of_int(0),
        "split": of_bytes(split),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


TRAIN = [window("abab", "歌.zip/0", "train")]
# Of document 1 aabb and cc are scored, of document 2 dd.
EVAL = [
    window("aabb", "歌.zip/1", "eval"),
    window("bbcc", "歌.zip/1", "eval", context=2),
    window("dd", "歌.zip/2", "eval"),
]


@dataclass(frozen=True)
class Verdict:
    """What an evaluation came to."""

    blessed: bool
    reason: str
    figures: dict  # (slice, model, metric) to value; not the differences between models

    def figure(self, metric, split="eval", document=None, model=""):
        slice_key = {"split": split} | ({"document": document} if document else {})
        return self.figures[frozenset(slice_key.items()), model, metric]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A new path for each call."""
    directory, numbers = tmp_path_factory.mktemp("evaluator"), count()
    return lambda: str(directory / str(next(numbers)))


@pytest.fixture(scope="module")
def model(place):
    """A Model artifact: `model("abc", 4)` has perplexity 4 on all text of its vocabulary abc."""

    @cache
    def save(vocabulary, *costs, **script):
        costs = costs * len(vocabulary) if len(costs) == 1 else costs
        artifact = standard_artifacts.Model()
        artifact.uri = place()
        module = ScriptedModel(dict(zip(vocabulary, costs, strict=True)), **script)
        signatures = {"evaluate": module.evaluate}
        tf.saved_model.save(module, f"{artifact.uri}/Format-Serving", signatures)
        return artifact

    return save


@pytest.fixture(scope="module")
def write_windows(place):
    """An Examples artifact of scored windows."""

    def write(train, held_out):
        artifact = standard_artifacts.Examples()
        artifact.uri = place()
        artifact.split_names = artifact_utils.encode_split_names(SPLITS)
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(artifact, "tfrecords_gzip")
        for split, windows in zip(SPLITS, (train, held_out), strict=True):
            os.makedirs(f"{artifact.uri}/Split-{split}")
            if windows is not None:
                path = f"{artifact.uri}/Split-{split}/windows-00000-of-00001.gz"
                with tf.io.TFRecordWriter(path, "GZIP") as writer:
                    for example in windows:
                        writer.write(example.SerializeToString())
        return artifact

    return write


@pytest.fixture(scope="module")
def windows(write_windows):
    return write_windows(TRAIN, EVAL)


@pytest.fixture(scope="module")
def evaluate(place, windows):
    """Runs the executor with the gate's configuration; returns a Verdict."""

    def run(candidate, baseline=None, examples=windows, **gate):
        evaluation, blessing = standard_artifacts.ModelEvaluation(), artifact_of_blessing(place())
        evaluation.uri = place()
        inputs = {"model": [candidate], "examples": [examples]}
        inputs |= {"baseline_model": [baseline]} if baseline else {}
        Executor().Do(
            inputs,
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "eval_config": proto_utils.proto_to_json(eval_config(GateOptions(**gate), "0")),
                "example_splits": json.dumps(SPLITS),
            },
        )
        blessed = blessing.get_int_custom_property("blessed") == 1
        assert os.listdir(blessing.uri) == ["BLESSED" if blessed else "NOT_BLESSED"]
        reason = blessing.get_string_custom_property("reason")
        return Verdict(blessed, reason, figures(evaluation.uri))

    return run


def artifact_of_blessing(uri):
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = uri
    return blessing


def figures(uri):
    found = {}
    for sliced in tfma.load_metrics(uri):
        keys = sliced.slice_key.single_slice_keys
        slice_key = frozenset((key.column, key.bytes_value.decode()) for key in keys)
        for pair in sliced.metric_keys_and_values:
            if not pair.key.is_diff:
                key = slice_key, pair.key.model_name, pair.key.name
                found[key] = pair.value.double_value.value
    return found


def assert_makes_sense(reason):
    """No figure in the sentence may satisfy what the sentence says that it does not."""
    for value, low, high in re.findall(r"is (\S+), not from (\S+) to ([^\s;]+)", reason):
        assert not float(low) <= float(value) <= float(high), reason


def test_figures_by_hand_of_every_split_and_document(evaluate, model):
    """a, b, c and d cost 1, 2, 3 and 4 times log 2; in document 2 alone the model is bad."""
    verdict = evaluate(model("abcd", 2, 4, 8, 16), max_perplexity=6)
    assert verdict.blessed
    assert verdict.reason == "every threshold holds"
    slices = {
        ("train", None): (2**1.5, 4),
        ("eval", None): (2**2.5, 8),
        ("train", "歌.zip/0"): (2**1.5, 4),
        ("eval", "歌.zip/1"): (2**2, 6),
        ("eval", "歌.zip/2"): (2**4, 2),
    }
    for place, (perplexity, characters) in slices.items():
        assert verdict.figure("perplexity", *place) == pytest.approx(perplexity)
        assert verdict.figure("unigram_perplexity", *place) == pytest.approx(8)
        assert verdict.figure("uniform_perplexity", *place) == pytest.approx(16)
        assert verdict.figure("perplexity_to_unigram", *place) == pytest.approx(perplexity / 8)
        assert verdict.figure("unknown_share", *place) == 0
        assert verdict.figure("characters", *place) == characters
    assert len(verdict.figures) == len(slices) * 6


@pytest.mark.parametrize("perplexity", [1.0, 7.99])
def test_the_gate_lets_through(evaluate, model, perplexity):
    assert evaluate(model("abcd", perplexity), max_perplexity=7.999).blessed


@pytest.mark.parametrize(
    ("perplexity", "bound", "says"),
    [
        pytest.param(4, 3, ["perplexity is 4", "from 1 to 3"], id="above the bound"),
        pytest.param(4, 3.9999, ["perplexity"], id="a little above the bound"),
        pytest.param(0.5, 9, ["perplexity is 0.5", "from 1 to 9"], id="below one"),
        pytest.param(0.99999, 9, ["perplexity"], id="a little below one"),
        pytest.param(8, 9, ["unigram"], id="equal to the unigram model"),
        pytest.param(9, 9.5, ["unigram", "1.125"], id="worse than the unigram model"),
        pytest.param(math.nan, 9, ["perplexity is nan", "from 1 to 9"], id="nan"),
        pytest.param(math.inf, 9, ["perplexity is inf", "from 1 to 9"], id="inf"),
        pytest.param(1e38, 1e12, ["perplexity is 1e+38"], id="huge"),
    ],
)
def test_the_gate_refuses(evaluate, model, perplexity, bound, says):
    verdict = evaluate(model("abcd", perplexity), max_perplexity=bound)
    assert not verdict.blessed
    assert all(words in verdict.reason for words in says), verdict.reason
    assert_makes_sense(verdict.reason)


def test_one_nan_is_enough(evaluate, model):
    verdict = evaluate(model("abcd", 2, 2, 2, math.nan))
    assert not verdict.blessed
    assert verdict.figure("perplexity", document="歌.zip/1") == pytest.approx(2)
    assert verdict.figure("perplexity", "train") == pytest.approx(2)


def test_the_gate_is_on_its_split_only(evaluate, model):
    """a and b, all that is trained on, cost 2; c and d, which are held out, 64."""
    learnt_by_heart = model("abcd", 2, 2, 64, 64)
    assert evaluate(learnt_by_heart, gate_split="train", max_perplexity=2.1).blessed
    refused = evaluate(learnt_by_heart, gate_split="eval", max_perplexity=100)
    assert not refused.blessed
    assert "unigram" in refused.reason


@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        pytest.param(TRAIN, [], id="an empty split"),
        pytest.param([], [], id="nothing at all"),
        pytest.param(TRAIN, TRAIN, id="another split in its place"),
    ],
)
def test_an_empty_split_is_refused(evaluate, model, write_windows, train, held_out):
    verdict = evaluate(model("abcd", 4), examples=write_windows(train, held_out))
    assert not verdict.blessed
    assert verdict.reason == "no character of split 'eval' was scored"


def test_a_split_without_a_file_fails_by_its_name(evaluate, model, write_windows):
    with pytest.raises(OSError, match="Split-scored_eval"):
        evaluate(model("abcd", 4), examples=write_windows(TRAIN, None))


def test_windows_of_context_alone_are_refused(evaluate, model, write_windows):
    unscored = [window("ab", "歌.zip/1", "eval", context=2)]
    verdict = evaluate(model("abcd", 4), examples=write_windows(TRAIN, unscored))
    assert not verdict.blessed
    assert verdict.figure("characters") == 0
    assert "perplexity is inf" in verdict.reason


def test_an_empty_baseline_is_none(evaluate, model, place):
    empty = standard_artifacts.Model()
    empty.uri = place()
    os.makedirs(empty.uri)
    verdict = evaluate(model("abcd", 4), baseline=empty)
    assert verdict.blessed
    assert {name for _, name, _ in verdict.figures} == {""}


@pytest.mark.parametrize(
    ("candidate", "baseline", "blessed"),
    [
        pytest.param(4, 5, True, id="better"),
        pytest.param(4, 4, True, id="equal"),
        pytest.param(4, 3.99, False, id="worse"),
        pytest.param(4, 1e6, True, id="the baseline is above the bound and the unigram model"),
        pytest.param(4, math.inf, True, id="the baseline is infinite"),
        pytest.param(math.nan, 4, False, id="nan against a good one"),
        pytest.param(math.inf, math.inf, False, id="infinite against infinite"),
        pytest.param(7, 1e6, False, id="better, but above the bound"),
    ],
)
def test_against_a_baseline(evaluate, model, candidate, baseline, blessed):
    models = model("abcd", candidate), model("abcd", baseline)
    verdict = evaluate(*models, max_perplexity=6)
    assert verdict.blessed == blessed
    for name, perplexity in (("candidate", candidate), ("baseline", baseline)):
        expected = pytest.approx(perplexity, nan_ok=True)
        assert verdict.figure("perplexity", model=name) == expected
    if not blessed:
        assert "perplexity is" in verdict.reason
    if (candidate, baseline) == (4, 3.99):
        assert "0.01" in verdict.reason
        assert "baseline" in verdict.reason


def test_against_a_baseline_that_answers_nan(evaluate, model):
    """No comparison with it holds. It has passed no gate: somebody has put it there."""
    verdict = evaluate(model("abcd", 4), model("abcd", math.nan))
    assert not verdict.blessed
    assert "baseline" in verdict.reason
    assert "nan above" not in verdict.reason


# Knows a alone of a, b, c, d, each a quarter of the text, and calls the rest <unk>: with
# P(a) = P(<unk>) = 1/2 each character costs 2, and b, c and d 2 * 3 to tell them apart.
FORGETFUL = ("a", 2.0), {"unknown": 2.0}
FORGETFUL_PERPLEXITY = 2**0.25 * 6**0.75  # 4.56


def test_forgetting_does_not_win(evaluate, model):
    costs, script = FORGETFUL
    verdict = evaluate(model(*costs, **script), model("abcd", 4))
    assert not verdict.blessed
    assert "baseline" in verdict.reason
    assert verdict.figure("perplexity", model="candidate") == pytest.approx(FORGETFUL_PERPLEXITY)
    assert verdict.figure("unigram_perplexity", model="candidate") == pytest.approx(8 * 3**0.75)
    assert verdict.figure("unknown_share", model="candidate") == 0.75
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(4)
    assert verdict.figure("unknown_share", model="baseline") == 0


def test_a_forgetful_baseline_does_not_win_either(evaluate, model):
    costs, script = FORGETFUL
    verdict = evaluate(model("abcd", 4.5), model(*costs, **script))
    assert verdict.blessed
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(FORGETFUL_PERPLEXITY)


def test_what_is_unknown_is_counted_where_it_occurs(evaluate, model):
    """Of the held-out text three kinds, of its document 2 one, of the training text one."""
    costs, script = FORGETFUL
    verdict = evaluate(model(*costs, **script), max_perplexity=4.5)
    assert not verdict.blessed
    assert "perplexity is 4.559" in verdict.reason
    assert verdict.figure("perplexity", document="歌.zip/2") == pytest.approx(2)
    assert verdict.figure("perplexity", "train") == pytest.approx(2)
    assert verdict.figure("unknown_share", "train") == 0.5


def test_the_component_records_its_reason(
    workplace, import_artifact, model, windows, tmp_path
):
    """With an empty baseline, as in the first run of a pipeline; a rerun is cached."""
    empty = standard_artifacts.Model()
    empty.uri = str(tmp_path / "baseline")
    os.makedirs(empty.uri)

    def run():
        nodes = {
            "model": import_artifact("model", model("abcd", 4)),
            "baseline": import_artifact("baseline", empty),
            "windows": import_artifact("windows", windows),
        }
        evaluator = Evaluator(
            model=nodes["model"].outputs["result"],
            baseline_model=nodes["baseline"].outputs["result"],
            examples=nodes["windows"].outputs["result"],
            example_splits=SPLITS,
            eval_config=eval_config(GateOptions(max_perplexity=3), "0"),
        )
        return workplace.run(*nodes.values(), evaluator)["Evaluator"]

    assert [run(), run()] == ["COMPLETE", "CACHED"]
    uri, properties = workplace.output("Evaluator", "blessing")
    assert properties["reason"] == "perplexity is 4, not from 1 to 3"
    assert properties["blessed"] == 0
    assert os.listdir(uri) == ["NOT_BLESSED"]
