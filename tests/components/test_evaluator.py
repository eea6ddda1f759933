"""The gate at work: TFMA over written windows, with SavedModels whose figures are scripted."""

import json
import math
import os
import re
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator import Evaluator
from components.evaluator.executor import Executor
from components.evaluator.reason import describe
from components.examples import make_example
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
        knows_ngrams: whether it was saved by code that reads the windows' n-gram scores.
    """

    def __init__(self, costs, unknown=1.0, unigram=8.0, uniform=16.0, knows_ngrams=True):
        super().__init__()
        ids = range(1, len(costs) + 1)
        entries = tf.lookup.KeyValueTensorInitializer([*costs], [*ids], tf.string, tf.int64)
        self.vocabulary = tf.lookup.StaticHashTable(entries, 0)
        self.nats = tf.constant([math.log(cost) for cost in (unknown, *costs.values())])
        self.unigram, self.uniform = math.log(unigram), math.log(uniform)
        self.knows_ngrams = knows_ngrams

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")], autograph=False)
    def evaluate(self, examples):
        spec = {
            "text": tf.io.FixedLenFeature([], tf.string),
            "context": tf.io.FixedLenFeature([], tf.int64),
            "ngram_nats": tf.io.RaggedFeature(tf.float32),
        }
        windows = tf.io.parse_example(examples, spec)
        text = tf.strings.unicode_split(windows["text"], "UTF-8")  # [B, (n)]
        positions = tf.ragged.range(text.row_lengths())
        scored = tf.ragged.boolean_mask(text, positions >= windows["context"][:, None])
        ids = tf.ragged.map_flat_values(self.vocabulary.lookup, scored)
        costs = tf.ragged.map_flat_values(lambda i: tf.gather(self.nats, i), ids)
        characters = scored.row_lengths()
        unknown = tf.ragged.boolean_mask(scored, ids == 0)
        ngram = tf.reduce_sum(windows["ngram_nats"], axis=1)
        ngram = tf.where(windows["ngram_nats"].row_lengths() > 0, ngram, math.nan)
        return {
            **({"ngram_nats": ngram} if self.knows_ngrams else {}),
            "nats": tf.reduce_sum(costs, axis=1),
            "unigram_nats": tf.cast(characters, tf.float32) * self.unigram,
            "uniform_nats": tf.cast(characters, tf.float32) * self.uniform,
            "characters": characters,
            "unknown_characters": tf.strings.reduce_join(unknown, axis=1),
        }


def window(text, document, split, context=0, ngram=None):
    """A scored window as SequenceWindows writes it.

    Where it is given, `ngram` is 1 / P of each scored character under the n-gram model.
    """
    features = {
        "text": text,
        "context": context,
        "document": document,
        "document_index": 0,
        "position": 0,
        "split": split,
    }
    example = make_example(features)
    if ngram:
        nats = [math.log(ngram)] * (len(text) - context)
        example.features.feature["ngram_nats"].float_list.value[:] = nats
    return example


TRAIN = [window("abab", "歌.zip/0", "train")]
# Of document 1 aabb and cc are scored, of document 2 dd.
EVAL = [
    window("aabb", "歌.zip/1", "eval"),
    window("bbcc", "歌.zip/1", "eval", context=2),
    window("dd", "歌.zip/2", "eval"),
]
# The n-gram model has a perplexity of 4 where the next ones are used.
NGRAM_EVAL = [
    window("aabb", "歌.zip/1", "eval", ngram=2),
    window("bbcc", "歌.zip/1", "eval", context=2, ngram=8),
    window("dd", "歌.zip/2", "eval", ngram=8),
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
def write_windows(place, write_examples):
    """An Examples artifact of scored windows, one file a split."""

    def write(train, held_out):
        return write_examples(Path(place()), {"scored_train": train, "scored_eval": held_out})

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
                "eval_config": proto_utils.proto_to_json(eval_config(GateOptions(**gate))),
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
    assert len(verdict.figures) == len(slices) * 10  # four of them are those of n-grams
    assert math.isnan(verdict.figure("ngram_perplexity"))


@pytest.mark.parametrize("cost", [math.nan, math.inf])
def test_the_bounds_refuse(evaluate, model, cost):
    verdict = evaluate(model("abcd", 2, 2, 2, cost), max_perplexity=6)
    assert not verdict.blessed
    assert f"perplexity is {cost}, not from 1 to 6" in verdict.reason
    # One such character is enough, but it spoils its own document alone.
    assert verdict.figure("perplexity", document="歌.zip/1") == pytest.approx(2)


def test_the_gate_is_on_its_split_only(evaluate, model):
    """a and b, all that is trained on, cost nothing; c and d make the rest as bad as unigrams."""
    learnt_by_heart = model("abcd", 1, 1, 64, 64, unigram=8.0)
    passed = evaluate(learnt_by_heart, gate_split="train", max_perplexity=1.1)
    assert passed.blessed
    assert passed.figure("perplexity", "train") == 1
    refused = evaluate(learnt_by_heart, gate_split="eval", max_perplexity=10)
    assert not refused.blessed
    assert refused.figure("perplexity", "eval") == pytest.approx(8)
    reason = "split 'eval': perplexity is 1 times the unigram model's, not below it"
    assert refused.reason == reason


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("perplexity", 4.0, 1.0, 3.9999),
        ("perplexity", 0.99999, 1.0, 4.0),
        ("perplexity_to_unigram", 1.0, 0.0, 1.0 - 1e-9),
    ],
)
def test_a_reason_does_not_contradict_itself(name, value, low, high):
    result = tfma.ValidationResult()
    failure = result.metric_validations_per_slice.add().failures.add()
    failure.metric_key.name = name
    failure.metric_value.double_value.value = value
    failure.metric_threshold.value_threshold.lower_bound.value = low
    failure.metric_threshold.value_threshold.upper_bound.value = high
    assert_makes_sense(describe(result))


@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        pytest.param(TRAIN, [], id="an empty split"),
        pytest.param([], [], id="nothing at all"),
    ],
)
def test_an_empty_split_is_refused(evaluate, model, write_windows, train, held_out):
    verdict = evaluate(model("abcd", 4), examples=write_windows(train, held_out))
    assert not verdict.blessed
    assert verdict.reason == "no character of split 'eval' was scored"


def test_a_split_without_a_file_fails_by_its_name(evaluate, model, write_windows):
    windows = write_windows(TRAIN, [])
    (file,) = Path(windows.uri, "Split-scored_eval").iterdir()
    file.unlink()
    with pytest.raises(OSError, match="Split-scored_eval"):
        evaluate(model("abcd", 4), examples=windows)


def test_windows_of_context_alone_are_refused(evaluate, model, write_windows):
    unscored = [window("ab", "歌.zip/1", "eval", context=2)]
    verdict = evaluate(model("abcd", 4), examples=write_windows(TRAIN, unscored))
    assert not verdict.blessed
    assert verdict.figure("characters") == 0
    assert "perplexity is inf" in verdict.reason


@pytest.mark.parametrize("baseline", [4, math.inf])
def test_no_worse_than_the_baseline(evaluate, model, baseline):
    """Nor are the bounds for the baseline; `test_forgetting_does_not_win` is worse than it."""
    verdict = evaluate(model("abcd", 4), model("abcd", baseline), max_perplexity=6)
    assert verdict.blessed
    assert verdict.figure("perplexity", model="candidate") == pytest.approx(4)
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(baseline)
    assert "baseline" not in verdict.reason


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
    figure = partial(verdict.figure, model="candidate")
    assert figure("perplexity") == pytest.approx(FORGETFUL_PERPLEXITY)
    assert figure("unigram_perplexity") == pytest.approx(8 * 3**0.75)
    assert figure("uniform_perplexity") == pytest.approx(16 * 3**0.75)
    assert figure("unknown_share") == 0.75
    assert figure("perplexity", "train") == pytest.approx(2)  # b alone is unknown there
    assert figure("unknown_share", "train") == 0.5
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(4)
    assert verdict.figure("unknown_share", model="baseline") == 0


def test_a_forgetful_baseline_does_not_win_either(evaluate, model):
    costs, script = FORGETFUL
    verdict = evaluate(model("abcd", 4.5), model(*costs, **script))
    assert verdict.blessed
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(FORGETFUL_PERPLEXITY)


@pytest.fixture(scope="module")
def ngram_windows(write_windows):
    return write_windows(TRAIN, NGRAM_EVAL)


def test_the_n_gram_model_has_to_be_beaten_if_asked_for(evaluate, model, ngram_windows):
    verdict = evaluate(model("abcd", 3), examples=ngram_windows, must_beat="ngram")
    assert verdict.blessed, verdict.reason
    assert verdict.figure("ngram_perplexity") == pytest.approx(4)
    assert verdict.figure("perplexity_to_ngram") == pytest.approx(3 / 4)
    assert verdict.figure("ngram_perplexity", document="歌.zip/2") == pytest.approx(8)
    assert math.isnan(verdict.figure("ngram_perplexity", "train"))  # and refuses nothing

    worse = model("abcd", 6)
    refused = evaluate(worse, examples=ngram_windows, must_beat="ngram")
    assert not refused.blessed
    reason = "split 'eval': perplexity is 1.5 times the n-gram model's, not below it"
    assert refused.reason == reason
    assert evaluate(worse, examples=ngram_windows).blessed


def test_as_good_as_the_n_gram_model_is_not_better(evaluate, model, ngram_windows):
    refused = evaluate(model("abcd", 4), examples=ngram_windows, must_beat="ngram")
    assert not refused.blessed
    assert refused.reason.endswith("perplexity is 1 times the n-gram model's, not below it")


def test_an_n_gram_model_that_scored_only_a_part_is_not_beaten(evaluate, model, write_windows):
    part = write_windows(TRAIN, [*NGRAM_EVAL[:2], EVAL[2]])
    refused = evaluate(model("abcd", 2), examples=part, must_beat="ngram")
    assert not refused.blessed
    reason = "split 'eval': perplexity cannot be compared with the n-gram model's"
    assert refused.reason == reason


def test_a_baseline_from_before_there_were_n_grams(evaluate, model, ngram_windows):
    old = model("abcd", 4, knows_ngrams=False)
    verdict = evaluate(model("abcd", 3), old, examples=ngram_windows, must_beat="ngram")
    assert verdict.blessed, verdict.reason
    assert verdict.figure("perplexity", model="baseline") == pytest.approx(4)
    assert verdict.figure("ngram_perplexity", model="candidate") == pytest.approx(4)
    assert math.isnan(verdict.figure("ngram_perplexity", model="baseline"))


def test_the_component_records_its_reason(workplace, import_artifact, model, windows, tmp_path):
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
            eval_config=eval_config(GateOptions(max_perplexity=3)),
        )
        return workplace.run(*nodes.values(), evaluator)["Evaluator"]

    assert [run(), run()] == ["COMPLETE", "CACHED"]
    uri, properties = workplace.output("Evaluator", "blessing")
    assert "perplexity is 4" in properties["reason"]
    assert "from 1 to 3" in properties["reason"]
    assert properties["blessed"] == 0
    assert os.listdir(uri) == ["NOT_BLESSED"]
    evaluation, _ = workplace.output("Evaluator", "evaluation")
    assert {name for _, name, _ in figures(str(evaluation))} == {""}  # no model but the one
