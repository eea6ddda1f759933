import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import PipelineVisitor
from apache_beam.pvalue import AsSingleton
from book import data_iter_consecutive, data_iter_random
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, standard_artifacts

from components.examples import make_example
from components.sequence_windows.component import SequenceWindows
from components.sequence_windows.executor import Executor
from components.sequence_windows.transforms import WriteWindows
from components.sequence_windows.windows import TrainingWindows
from components.stream import path_of
from modules.errors import WindowError
from modules.ngrams.cache import cache_log_probabilities
from modules.ngrams.counts import Stretch, count
from modules.ngrams.kneser_ney import KneserNey
from modules.windows.windowing import WindowOptions

VOCAB_SIZE = 300


def characters(start, stop):
    """Distinct Chinese characters, of three bytes each; character n has index n."""
    return "".join(chr(0x4E00 + n) for n in range(start, stop))


def cut(lengths, size, firsts=None):
    """Examples, of `size` characters at most, of documents that hold characters 0, 1, 2, ..."""
    examples, start = [], 0
    for index, length in enumerate(lengths):
        for offset in range(0, length, size):
            begin, end = start + offset, start + min(offset + size, length)
            features = {
                "text": characters(begin, end),
                "document": f"歌.zip/{index}.txt",
                "document_index": 3 * index,  # with holes: only their order may count
                "position": (firsts or {}).get(index, 0) + offset,
                "ids": range(begin, end),
            }
            examples.append(make_example(features))
        start += length
    return examples


def spelled(ids):
    """The text of these indices."""
    return "".join(chr(0x4E00 + n) for n in ids)


def examples_of(texts, size, firsts=None):
    """Examples, of `size` characters at most, of documents that hold these indices."""
    return [
        make_example(
            {
                "text": spelled(ids[offset : offset + size]),
                "document": f"歌.zip/{index}.txt",
                "document_index": index,
                "position": (firsts or {}).get(index, 0) + offset,
                "ids": ids[offset : offset + size],
            }
        )
        for index, ids in enumerate(texts)
        for offset in range(0, len(ids), size)
    ]


def shuffled(splits):
    """Examples come in any order."""
    return {
        name: random.Random(0).sample(examples, len(examples)) for name, examples in splits.items()
    }


@dataclass(frozen=True)
class Written:
    """What the executor wrote."""

    artifact: types.Artifact
    read: Callable

    def files(self, split):
        """In the order of their names."""
        return sorted(Path(self.artifact.uri, f"Split-{split}").iterdir())

    def ids(self):
        """Of each training window."""
        windows = self.read(*self.files("train"))
        assert all(set(features) == {"ids"} for features in windows)
        return [features["ids"] for features in windows]

    def scored(self, split):
        """(text, context, document, document_index, position, split) of each scored window."""
        names = ("text", "context", "document", "document_index", "position", "split")
        windows = self.read(*self.files(split))
        return [tuple(features[name][0] for name in names) for features in windows]


class SmallShards(Executor):
    windows_per_shard = 3


@pytest.fixture(scope="module")
def execute(write_examples, write_documents, read_examples, write_ngrams):
    """Runs the executor in a directory, on Examples of several files, into shards of 3."""

    def run(directory, splits, options, context=None, texts=(range(200),), cache_size=20):
        examples = write_examples(directory / "examples", shuffled(splits), num_files=3)
        documents = write_documents(directory / "documents", splits)
        ngram = write_ngrams(directory / "ngram", texts, vocab_size=VOCAB_SIZE)
        windows = standard_artifacts.Examples()
        windows.uri = str(directory / "windows")
        SmallShards(context).Do(
            {"examples": [examples], "documents": [documents], "ngram": [ngram]},
            {"windows": [windows]},
            {
                "options": json.dumps(asdict(options)),
                "cache_size": cache_size,
                "source_digest": "0",
            },
        )
        return Written(windows, read_examples)

    return run


def consecutive_minibatches(windows, batch_size):
    """(X, Y) of the training windows, read with tf.data in the order of their files."""
    dataset = tf.data.TFRecordDataset([str(file) for file in windows.files("train")], "GZIP")
    spec = {"ids": tf.io.RaggedFeature(tf.int64)}
    dataset = dataset.map(lambda record: tf.io.parse_single_example(record, spec)["ids"])
    batches = dataset.batch(batch_size, drop_remainder=True).as_numpy_iterator()
    return [(batch[:, :-1], batch[:, 1:]) for batch in batches]


def test_consecutive_windows_of_range_30_are_the_books_minibatches(execute, tmp_path):
    options = WindowOptions(batch_size=2, num_steps=6)
    windows = execute(tmp_path, {"train": cut([11, 1, 18], size=4)}, options)
    assert windows.ids() == [
        [0, 1, 2, 3, 4, 5, 6],
        [15, 16, 17, 18, 19, 20, 21],
        [6, 7, 8, 9, 10, 11, 12],
        [21, 22, 23, 24, 25, 26, 27],
    ]
    np.testing.assert_equal(
        consecutive_minibatches(windows, 2), list(data_iter_consecutive(np.arange(30), 2, 6))
    )


def test_random_windows_of_range_30_are_the_books_examples(execute, tmp_path):
    options = WindowOptions("random", batch_size=2, num_steps=6)
    windows = execute(tmp_path, {"train": cut([11, 1, 18], size=4)}, options)
    np.testing.assert_equal(
        [(ids[:-1], ids[1:]) for ids in windows.ids()],
        [(x.tolist(), y.tolist()) for x, y in data_iter_random(np.arange(30), 6)],
    )


def test_random_windows_with_an_offset_are_clipped_at_the_end(execute, tmp_path):
    options = WindowOptions("random", batch_size=1, num_steps=4, random_offset=True)
    windows = execute(tmp_path, {"train": cut([6, 5], size=2)}, options)
    assert windows.ids() == [[0, 1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9, 10]]


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(
    sampling=st.sampled_from(["consecutive", "random"]),
    batch_size=st.integers(1, 6),
    num_steps=st.integers(1, 9),
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    size=st.integers(1, 20),
)
def test_the_executor_writes_the_books_windows(
    execute, tmp_path_factory, sampling, batch_size, num_steps, lengths, size
):
    options = WindowOptions(sampling, batch_size, num_steps)
    ids = np.arange(max(sum(lengths), options.min_length))
    lengths = [*lengths[:-1], len(ids) - sum(lengths[:-1])]
    windows = execute(tmp_path_factory.mktemp("property"), {"train": cut(lengths, size)}, options)
    if sampling == "consecutive":
        np.testing.assert_equal(
            consecutive_minibatches(windows, batch_size),
            list(data_iter_consecutive(ids, batch_size, num_steps)),
        )
    else:
        np.testing.assert_equal(
            [(np.array(w[:-1]), np.array(w[1:])) for w in windows.ids()],
            list(data_iter_random(ids, num_steps)),
        )


def test_scored_windows_stay_in_their_document_and_know_their_place(execute, tmp_path):
    # The eval split is the tail, from position 100 on, of the second of its documents.
    splits = {"train": cut([6], size=4), "eval": cut([3, 7], size=2, firsts={1: 100})}
    options = WindowOptions(batch_size=1, num_steps=2, stride=4, context=3)
    windows = execute(tmp_path, splits, options)
    assert windows.scored("scored_eval") == [
        (characters(0, 3), 0, "歌.zip/0.txt", 0, 0, "eval"),
        (characters(3, 7), 0, "歌.zip/1.txt", 3, 100, "eval"),
        (characters(4, 10), 3, "歌.zip/1.txt", 3, 104, "eval"),
    ]
    assert windows.scored("scored_train") == [
        (characters(0, 4), 0, "歌.zip/0.txt", 0, 0, "train"),
        (characters(1, 6), 3, "歌.zip/0.txt", 0, 4, "train"),
    ]


def test_every_held_out_character_is_scored_exactly_once(execute, tmp_path):
    splits = {
        "train": cut([6], size=4),
        "eval": cut([30, 1, 64, 17], size=7, firsts={0: 1000, 2: 5}),
    }
    options = WindowOptions(batch_size=1, num_steps=2, stride=5, context=8)
    rows = execute(tmp_path, splits, options).scored("scored_eval")
    assert "".join(text[context:] for text, context, *_ in rows) == characters(0, 112)
    held_out = {0: range(1000, 1030), 3: range(1), 6: range(5, 69), 9: range(17)}
    scored = [
        (index, position + n)
        for text, context, _, index, position, _ in rows
        for n in range(len(text) - context)
    ]
    assert scored == [(index, position) for index in held_out for position in held_out[index]]


def scores(windows, name):
    """A feature of the scored windows of eval, one after the other."""
    files = windows.files("scored_eval")
    return np.concatenate([features[name] for features in windows.read(*files)])


def test_held_out_characters_are_scored_as_in_their_whole_document(execute, tmp_path):
    rng = np.random.default_rng(0)
    train, first, second = (rng.integers(0, 6, length).tolist() for length in (400, 70, 45))
    splits = {
        "train": examples_of([train], size=30),
        "eval": examples_of([first, second], size=11, firsts={1: 1000}),
    }
    # Windows of 8 characters, with 3 as their text's context, but a cache of 20 before that.
    options = WindowOptions(batch_size=1, num_steps=2, stride=8, context=3)
    windows = execute(tmp_path, splits, options, texts=[[0, *train]], cache_size=20)
    model = KneserNey(count([Stretch(np.array([0, *train]), 0)], VOCAB_SIZE, 0, 3))
    expected = [-model.log_probabilities(np.array([0, *text]))[1:] for text in (first, second)]
    np.testing.assert_array_equal(
        scores(windows, "ngram_nats"), np.concatenate(expected).astype(np.float32)
    )
    expected = [
        -cache_log_probabilities(np.array(text), 20, VOCAB_SIZE) for text in (first, second)
    ]
    np.testing.assert_array_equal(
        scores(windows, "cache_nats"), np.concatenate(expected).astype(np.float32)
    )
    rows = windows.scored("scored_eval")
    assert [context for _, context, *_ in rows] == [0, *[3] * 8, 0, *[3] * 5]
    assert "".join(text[context:] for text, context, *_ in rows) == spelled(first + second)


def test_each_scored_character_has_its_scores_and_those_of_train_have_none(execute, tmp_path):
    splits = {"train": cut([50], size=6), "eval": cut([30, 7], size=7)}
    options = WindowOptions(batch_size=1, num_steps=2, stride=5, context=8)
    windows = execute(tmp_path, splits, options)
    for features in windows.read(*windows.files("scored_eval")):
        scored = len(features["text"][0]) - features["context"][0]
        assert len(features["ngram_nats"]) == len(features["cache_nats"]) == scored
    for features in windows.read(*windows.files("scored_train")):
        assert not {"ngram_nats", "cache_nats"} & features.keys()


def test_without_a_cache_there_are_no_scores_of_it(execute, tmp_path):
    splits = {"train": cut([50], size=6), "eval": cut([30], size=7), "validation": cut([9], size=4)}
    options = WindowOptions(batch_size=1, num_steps=2, stride=5, context=0)
    windows = execute(tmp_path, splits, options, cache_size=0)
    for split in ("scored_eval", "scored_validation"):
        for features in windows.read(*windows.files(split)):
            assert len(features["ngram_nats"]) == len(features["text"][0])
            assert "cache_nats" not in features


def test_files_are_shards_in_order_and_none_is_larger_than_a_shard(execute, tmp_path):
    options = WindowOptions(batch_size=2, num_steps=3, stride=4, context=4)
    windows = execute(tmp_path, {"train": cut([40, 30], size=6)}, options)
    # 2 lanes of 35 make 11 minibatches of 2 windows; the documents 10 + 8 scored windows.
    for split, sizes in {"train": [3] * 7 + [1], "scored_train": [3] * 6}.items():
        paths = windows.files(split)
        assert [path.name for path in paths] == [f"windows-{n:05d}.gz" for n in range(len(sizes))]
        assert [len(windows.read(path)) for path in paths] == sizes


def test_shards_written_again_are_the_same_files(tmp_path, write_documents):
    examples = cut([11, 1, 18], size=4)
    stream = path_of(write_documents(tmp_path / "documents", {"train": examples}).uri, "train")
    serialized = [example.SerializeToString() for example in examples]
    make_windows = partial(TrainingWindows, WindowOptions(batch_size=2, num_steps=6))
    split, temporary = (str(tmp_path / name) for name in ("split", "temporary"))
    for directory in (split, temporary):
        Path(directory).mkdir()
    written = []
    for _ in range(2):
        with beam.Pipeline() as pipeline:
            collection = pipeline | beam.Create(serialized)
            _ = collection | WriteWindows(make_windows, stream, split, temporary, 3)
        written.append({path.name: path.read_bytes() for path in Path(split).iterdir()})
    assert written[0].keys() == {"windows-00000.gz", "windows-00001.gz"}
    assert written[0] == written[1]
    assert not list(Path(temporary).iterdir())


def test_no_step_gathers_a_split(execute, tmp_path):
    pipelines = []

    def make_pipeline():
        pipelines.append(beam.Pipeline())
        return pipelines[-1]

    class Gathering(PipelineVisitor):
        """Finds the transforms that bring a whole collection to one place."""

        def __init__(self, pipeline):
            self.labels = []
            pipeline.visit(self)

        def enter_composite_transform(self, node):
            if isinstance(node.transform, beam.CombineGlobally):
                self.labels.append(node.full_label)

        def visit_transform(self, node):
            views = [view for view in node.side_inputs if not isinstance(view, AsSingleton)]
            self.labels += [node.full_label for view in views]

    context = BaseBeamExecutor.Context(make_beam_pipeline_fn=make_pipeline)
    options = WindowOptions(batch_size=2, num_steps=3)
    execute(tmp_path, {"train": cut([40, 30], size=6)}, options, context=context)
    (writing,) = map(Gathering, pipelines)
    assert writing.labels == []


def test_the_artifact_describes_itself_and_holds_nothing_else(execute, tmp_path):
    splits = {"train": cut([20], size=6), "eval": cut([5], size=6)}
    windows = execute(tmp_path, splits, WindowOptions(batch_size=2, num_steps=3)).artifact
    names = ["train", "scored_train", "scored_eval"]
    assert artifact_utils.decode_split_names(windows.split_names) == names
    assert examples_utils.get_payload_format_string(windows) == "FORMAT_TF_EXAMPLE"
    assert windows.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert {path.name for path in Path(windows.uri).iterdir()} == {f"Split-{n}" for n in names}


@pytest.mark.parametrize("examples_of_eval", [None, []])
def test_without_an_eval_split_or_with_an_empty_one(execute, tmp_path, examples_of_eval):
    options = WindowOptions(batch_size=2, num_steps=3)
    splits = {"train": cut([20], size=6)}
    if examples_of_eval is None:
        windows = execute(tmp_path, splits, options).artifact
        assert artifact_utils.decode_split_names(windows.split_names) == ["train", "scored_train"]
    else:
        with pytest.raises(WindowError, match="split 'eval' has 0: give more text"):
            execute(tmp_path, splits | {"eval": examples_of_eval}, options)


def test_an_eval_split_without_files_is_an_empty_one(
    tmp_path, write_examples, write_documents, write_ngrams
):
    splits = {"train": cut([20], size=6), "eval": []}
    examples = write_examples(tmp_path / "examples", splits)
    (file,) = (tmp_path / "examples" / "Split-eval").iterdir()
    file.unlink()
    windows = standard_artifacts.Examples()
    windows.uri = str(tmp_path / "windows")
    inputs = {
        "examples": [examples],
        "documents": [write_documents(tmp_path / "documents", splits)],
        "ngram": [write_ngrams(tmp_path / "ngram", [[1]], 2)],
    }
    options = json.dumps(asdict(WindowOptions(batch_size=2, num_steps=3)))
    with pytest.raises(WindowError, match="split 'eval' has 0: give more text"):
        Executor().Do(inputs, {"windows": [windows]}, {"options": options, "cache_size": 5})


def test_a_train_split_one_character_too_short(execute, tmp_path):
    options = WindowOptions(batch_size=4, num_steps=6)
    with pytest.raises(WindowError, match="need at least 28 characters; split 'train' has 27"):
        execute(tmp_path, {"train": cut([20, 7], size=6)}, options)
    assert not Path(tmp_path, "windows").exists()


@pytest.mark.parametrize(("spoiled", "copies"), [(1, 0), (4, 0), (0, 2), (4, 2), (7, 2)])
def test_a_document_with_a_gap_or_an_overlap_is_refused(execute, tmp_path, spoiled, copies):
    examples = cut([30], size=4)
    examples[spoiled : spoiled + 1] = [examples[spoiled]] * copies
    with pytest.raises(Exception, match=r"the Examples are in one piece up to \d+ only"):
        execute(tmp_path, {"train": examples}, WindowOptions(batch_size=1, num_steps=6))


def test_an_example_with_too_few_indices_is_refused(execute, tmp_path):
    examples = cut([30], size=4)
    del examples[2].features.feature["ids"].int64_list.value[-1]
    with pytest.raises(Exception, match=r"the Examples are in one piece up to 11 only"):
        execute(tmp_path, {"train": examples}, WindowOptions(batch_size=1, num_steps=6))


def test_bundles_on_several_workers_write_the_same_files(execute, tmp_path):
    def two_workers():
        flags = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
        return beam.Pipeline(options=PipelineOptions(flags))

    options = WindowOptions(batch_size=2, num_steps=3, stride=4, context=4)
    contexts = {"one": None, "two": BaseBeamExecutor.Context(make_beam_pipeline_fn=two_workers)}
    written = []
    for name, context in contexts.items():
        splits = {"train": cut([40, 30], size=3)}
        windows = execute(tmp_path / name, splits, options, context=context)
        paths = windows.files("train") + windows.files("scored_train")
        written.append([(path.name, windows.read(path)) for path in paths])
    assert written[0] == written[1]


@pytest.fixture
def run(workplace, import_artifact, write_examples, write_documents, write_ngrams, tmp_path):
    """Runs SequenceWindows in a pipeline on a train split; returns its state."""

    def run(train, options) -> str:
        artifact = write_examples(tmp_path / "examples", {"train": train})
        examples = import_artifact("examples", artifact)
        told = write_documents(tmp_path / "documents", {"train": train})
        documents = import_artifact("documents", told)
        ngram = import_artifact("ngram", write_ngrams(tmp_path / "ngram", [[1, 2, 3]], VOCAB_SIZE))
        windows = SequenceWindows(
            examples.outputs["result"],
            documents.outputs["result"],
            ngram.outputs["result"],
            options,
            cache_size=5,
        )
        return workplace.run(examples, documents, ngram, windows)["SequenceWindows"]

    return run


def test_the_component_runs_in_a_pipeline(run, workplace, read_examples):
    options = WindowOptions(batch_size=2, num_steps=6)
    assert run(cut([11, 1, 18], size=4), options) == "COMPLETE"
    uri, _ = workplace.output("SequenceWindows", "windows")
    windows = read_examples(*sorted((uri / "Split-train").iterdir()))
    assert [features["ids"][0] for features in windows] == [0, 15, 6, 21]


def test_a_window_error_reaches_whoever_runs_the_pipeline(run):
    with pytest.raises(WindowError, match="split 'train' has 20"):
        run(cut([20], size=4), WindowOptions(batch_size=32, num_steps=35))
