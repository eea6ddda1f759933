import json
import random
from dataclasses import asdict
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import PipelineVisitor
from apache_beam.pvalue import AsSingleton
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfx import v1 as tfx
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, standard_artifacts

from components.sequence_windows.component import SequenceWindows
from components.sequence_windows.executor import Executor
from components.sequence_windows.stream import Document, Stream
from components.sequence_windows.transforms import MeasureDocuments, WriteWindows
from components.sequence_windows.windows import TrainingWindows
from modules.errors import WindowError
from modules.windowing import WindowOptions


def example(text, document, document_index, position, ids):
    feature = {
        "text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()])),
        "document": tf.train.Feature(bytes_list=tf.train.BytesList(value=[document.encode()])),
        "document_index": tf.train.Feature(int64_list=tf.train.Int64List(value=[document_index])),
        "position": tf.train.Feature(int64_list=tf.train.Int64List(value=[position])),
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=ids)),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


def characters(start, stop):
    """Distinct Chinese characters, of three bytes each; character n has index n."""
    return "".join(chr(0x4E00 + n) for n in range(start, stop))


def cut(lengths, size, firsts=None):
    """Examples, of `size` characters at most, of documents that hold characters 0, 1, 2, ..."""
    examples, start = [], 0
    for index, length in enumerate(lengths):
        for offset in range(0, length, size):
            begin, end = start + offset, start + min(offset + size, length)
            # Indices with holes: only their order may count.
            place = (f"歌.zip/{index}.txt", 3 * index, (firsts or {}).get(index, 0) + offset)
            examples.append(example(characters(begin, end), *place, range(begin, end)))
        start += length
    return examples


def write(directory, splits, num_files=3, seed=0):
    """An artifact of the Examples of each split, shuffled over files."""
    for split, examples in splits.items():
        random.Random(seed).shuffle(examples)
        folder = directory / f"Split-{split}"
        folder.mkdir(parents=True)
        for file in range(num_files):
            path = str(folder / f"transformed_examples-{file:05d}-of-{num_files:05d}.gz")
            with tf.io.TFRecordWriter(path, "GZIP") as writer:
                for record in examples[file::num_files]:
                    writer.write(record.SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri = str(directory)
    artifact.split_names = artifact_utils.encode_split_names([*splits])
    return artifact


class SmallShards(Executor):
    windows_per_shard = 3


def execute(tmp_path, splits, options, executor=SmallShards, context=None):
    """Runs the executor; returns its output artifact."""
    windows = standard_artifacts.Examples()
    windows.uri = str(tmp_path / "windows")
    executor(context).Do(
        {"examples": [write(tmp_path / "examples", splits)]},
        {"windows": [windows]},
        {"options": json.dumps(asdict(options)), "source_digest": "0"},
    )
    return windows


def files(windows, split):
    return sorted(Path(windows.uri, f"Split-{split}").iterdir())


def read(paths):
    """The Examples of TFRecord files, one after the other."""
    dataset = tf.data.TFRecordDataset([str(path) for path in paths], "GZIP")
    return [tf.train.Example.FromString(record) for record in dataset.as_numpy_iterator()]


def ids_of(windows):
    records = read(files(windows, "train"))
    assert all(set(record.features.feature) == {"ids"} for record in records)
    return [list(record.features.feature["ids"].int64_list.value) for record in records]


def scored_of(windows, split):
    """(text, context, document, document_index, position, split) of each scored window."""
    rows = []
    for record in read(files(windows, split)):
        feature = record.features.feature
        text, document, origin = (
            feature[name].bytes_list.value[0].decode() for name in ("text", "document", "split")
        )
        context, index, position = (
            feature[name].int64_list.value[0] for name in ("context", "document_index", "position")
        )
        rows.append((text, context, document, index, position, origin))
    return rows


def data_iter_consecutive(ids, batch_size, num_steps):
    """The book's minibatches (X, Y), in order."""
    lane_length = len(ids) // batch_size
    lanes = ids[: batch_size * lane_length].reshape(batch_size, lane_length)
    for start in range(0, (lane_length - 1) // num_steps * num_steps, num_steps):
        X = lanes[:, start : start + num_steps]
        yield X, lanes[:, start + 1 : start + num_steps + 1]


def data_iter_random(ids, num_steps):
    """The book's examples (x, y), in the order of their start: unshuffled, unbatched."""
    for start in range(0, (len(ids) - 1) // num_steps * num_steps, num_steps):
        yield ids[start : start + num_steps], ids[start + 1 : start + num_steps + 1]


def consecutive_minibatches(windows, batch_size):
    """(X, Y) of the training windows, read with tf.data in the order of their files."""
    dataset = tf.data.TFRecordDataset([str(f) for f in files(windows, "train")], "GZIP")
    spec = {"ids": tf.io.RaggedFeature(tf.int64)}
    dataset = dataset.map(lambda record: tf.io.parse_single_example(record, spec)["ids"])
    batches = dataset.batch(batch_size, drop_remainder=True).as_numpy_iterator()
    return [(batch[:, :-1], batch[:, 1:]) for batch in batches]


def test_consecutive_windows_of_range_30_are_the_books_minibatches(tmp_path):
    options = WindowOptions(batch_size=2, num_steps=6)
    windows = execute(tmp_path, {"train": cut([11, 1, 18], size=4)}, options)
    assert ids_of(windows) == [
        [0, 1, 2, 3, 4, 5, 6],
        [15, 16, 17, 18, 19, 20, 21],
        [6, 7, 8, 9, 10, 11, 12],
        [21, 22, 23, 24, 25, 26, 27],
    ]
    np.testing.assert_equal(
        consecutive_minibatches(windows, 2), list(data_iter_consecutive(np.arange(30), 2, 6))
    )


def test_random_windows_of_range_30_are_the_books_examples(tmp_path):
    options = WindowOptions("random", batch_size=2, num_steps=6)
    windows = execute(tmp_path, {"train": cut([11, 1, 18], size=4)}, options)
    np.testing.assert_equal(
        [(ids[:-1], ids[1:]) for ids in ids_of(windows)],
        [(x.tolist(), y.tolist()) for x, y in data_iter_random(np.arange(30), 6)],
    )


def test_random_windows_with_an_offset_are_clipped_at_the_end(tmp_path):
    options = WindowOptions("random", batch_size=1, num_steps=4, random_offset=True)
    windows = execute(tmp_path, {"train": cut([6, 5], size=2)}, options)
    assert ids_of(windows) == [[0, 1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9, 10]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sampling=st.sampled_from(["consecutive", "random"]),
    batch_size=st.integers(1, 6),
    num_steps=st.integers(1, 9),
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    size=st.integers(1, 20),
)
def test_the_executor_writes_the_books_windows(
    tmp_path_factory, sampling, batch_size, num_steps, lengths, size
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
            [(np.array(w[:-1]), np.array(w[1:])) for w in ids_of(windows)],
            list(data_iter_random(ids, num_steps)),
        )


def test_scored_windows_stay_in_their_document_and_know_their_place(tmp_path):
    # The eval split is the tail, from position 100 on, of the second of its documents.
    splits = {"train": cut([6], size=4), "eval": cut([3, 7], size=2, firsts={1: 100})}
    options = WindowOptions(batch_size=1, num_steps=2, stride=4, context=3)
    windows = execute(tmp_path, splits, options)
    assert scored_of(windows, "scored_eval") == [
        (characters(0, 3), 0, "歌.zip/0.txt", 0, 0, "eval"),
        (characters(3, 7), 0, "歌.zip/1.txt", 3, 100, "eval"),
        (characters(4, 10), 3, "歌.zip/1.txt", 3, 104, "eval"),
    ]
    assert scored_of(windows, "scored_train") == [
        (characters(0, 4), 0, "歌.zip/0.txt", 0, 0, "train"),
        (characters(1, 6), 3, "歌.zip/0.txt", 0, 4, "train"),
    ]


def test_every_held_out_character_is_scored_exactly_once(tmp_path):
    splits = {
        "train": cut([6], size=4),
        "eval": cut([30, 1, 64, 17], size=7, firsts={0: 1000, 2: 5}),
    }
    options = WindowOptions(batch_size=1, num_steps=2, stride=5, context=8)
    rows = scored_of(execute(tmp_path, splits, options), "scored_eval")
    assert "".join(text[context:] for text, context, *_ in rows) == characters(0, 112)
    held_out = {0: range(1000, 1030), 3: range(1), 6: range(5, 69), 9: range(17)}
    scored = [
        (index, position + n)
        for text, context, _, index, position, _ in rows
        for n in range(len(text) - context)
    ]
    assert scored == [(index, position) for index in held_out for position in held_out[index]]


def test_files_are_shards_in_order_and_none_is_larger_than_a_shard(tmp_path):
    options = WindowOptions(batch_size=2, num_steps=3, stride=4, context=4)
    windows = execute(tmp_path, {"train": cut([40, 30], size=6)}, options)
    # 2 lanes of 35 make 11 minibatches of 2 windows; the documents 10 + 8 scored windows.
    for split, sizes in {"train": [3] * 7 + [1], "scored_train": [3] * 6}.items():
        paths = files(windows, split)
        assert [path.name for path in paths] == [f"windows-{n:05d}.gz" for n in range(len(sizes))]
        assert [len(read([path])) for path in paths] == sizes


def test_shards_written_again_are_the_same_files(tmp_path):
    serialized = [example.SerializeToString() for example in cut([11, 1, 18], size=4)]
    make_windows = partial(TrainingWindows, WindowOptions(batch_size=2, num_steps=6))
    stream, split, temporary = (str(tmp_path / name) for name in ("stream", "split", "temporary"))
    for directory in (split, temporary):
        Path(directory).mkdir()
    with beam.Pipeline() as pipeline:
        _ = pipeline | beam.Create(serialized) | MeasureDocuments(stream)
    written = []
    for _ in range(2):
        with beam.Pipeline() as pipeline:
            examples = pipeline | beam.Create(serialized)
            _ = examples | WriteWindows(make_windows, stream, split, temporary, 3)
        written.append({path.name: path.read_bytes() for path in Path(split).iterdir()})
    assert written[0].keys() == {"windows-00000.gz", "windows-00001.gz"}
    assert written[0] == written[1]
    assert not list(Path(temporary).iterdir())


def test_measuring_keeps_one_entry_a_document_however_long_it_is(tmp_path):
    lengths = {"long": [5_000, 1, 3_000], "short": [5, 1, 3]}
    for split, documents in lengths.items():
        with beam.Pipeline() as pipeline:
            examples = cut(documents, size=700, firsts={2: 100})
            random.Random(0).shuffle(examples)
            serialized = [example.SerializeToString() for example in examples]
            _ = pipeline | beam.Create(serialized) | MeasureDocuments(str(tmp_path / split))
        assert Stream.load(str(tmp_path / split)).documents == [
            Document(0, "歌.zip/0.txt", 0, documents[0]),
            Document(3, "歌.zip/1.txt", 0, documents[1]),
            Document(6, "歌.zip/2.txt", 100, documents[2]),
        ]


def test_no_step_gathers_a_split(tmp_path):
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
    measuring, writing = map(Gathering, pipelines)
    # The list of documents is brought together, and nothing else.
    assert {label.split("/")[1] for label in measuring.labels} == {"List"}
    assert writing.labels == []


def test_the_artifact_describes_itself_and_holds_nothing_else(tmp_path):
    splits = {"train": cut([20], size=6), "eval": cut([5], size=6)}
    windows = execute(tmp_path, splits, WindowOptions(batch_size=2, num_steps=3))
    names = ["train", "scored_train", "scored_eval"]
    assert artifact_utils.decode_split_names(windows.split_names) == names
    assert examples_utils.get_payload_format_string(windows) == "FORMAT_TF_EXAMPLE"
    assert windows.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert {path.name for path in Path(windows.uri).iterdir()} == {f"Split-{n}" for n in names}


@pytest.mark.parametrize("examples_of_eval", [None, []])
def test_without_an_eval_split_or_with_an_empty_one(tmp_path, examples_of_eval):
    options = WindowOptions(batch_size=2, num_steps=3)
    splits = {"train": cut([20], size=6)}
    if examples_of_eval is None:
        windows = execute(tmp_path, splits, options)
        assert artifact_utils.decode_split_names(windows.split_names) == ["train", "scored_train"]
    else:
        with pytest.raises(WindowError, match="split 'eval' has 0: give more text"):
            execute(tmp_path, splits | {"eval": examples_of_eval}, options)


def test_an_eval_split_without_files_is_an_empty_one(tmp_path):
    examples = write(tmp_path / "examples", {"train": cut([20], size=6), "eval": []}, num_files=0)
    write(tmp_path / "more", {"train": cut([20], size=6)})
    (tmp_path / "examples" / "Split-train").rmdir()
    (tmp_path / "more" / "Split-train").rename(tmp_path / "examples" / "Split-train")
    windows = standard_artifacts.Examples()
    windows.uri = str(tmp_path / "windows")
    options = json.dumps(asdict(WindowOptions(batch_size=2, num_steps=3)))
    with pytest.raises(WindowError, match="split 'eval' has 0: give more text"):
        Executor().Do({"examples": [examples]}, {"windows": [windows]}, {"options": options})


def test_a_train_split_one_character_too_short(tmp_path):
    options = WindowOptions(batch_size=4, num_steps=6)
    with pytest.raises(WindowError, match="need at least 28 characters; split 'train' has 27"):
        execute(tmp_path, {"train": cut([20, 7], size=6)}, options)
    assert not list(Path(tmp_path, "windows").iterdir())


@pytest.mark.parametrize(("spoiled", "copies"), [(1, 0), (4, 0), (0, 2), (4, 2), (7, 2)])
def test_a_document_with_a_gap_or_an_overlap_is_refused(tmp_path, spoiled, copies):
    examples = cut([30], size=4)
    examples[spoiled : spoiled + 1] = [examples[spoiled]] * copies
    with pytest.raises(Exception, match=r"the Examples are in one piece up to \d+ only"):
        execute(tmp_path, {"train": examples}, WindowOptions(batch_size=1, num_steps=6))


def test_an_example_with_too_few_indices_is_refused(tmp_path):
    examples = cut([30], size=4)
    del examples[2].features.feature["ids"].int64_list.value[-1]
    with pytest.raises(Exception, match=r"the Examples are in one piece up to 11 only"):
        execute(tmp_path, {"train": examples}, WindowOptions(batch_size=1, num_steps=6))


def test_bundles_on_several_workers_write_the_same_files(tmp_path):
    def two_workers():
        flags = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
        return beam.Pipeline(options=PipelineOptions(flags))

    options = WindowOptions(batch_size=2, num_steps=3, stride=4, context=4)
    contexts = {"one": None, "two": BaseBeamExecutor.Context(make_beam_pipeline_fn=two_workers)}
    written = []
    for name, context in contexts.items():
        splits = {"train": cut([40, 30], size=3)}
        windows = execute(tmp_path / name, splits, options, context=context)
        paths = files(windows, "train") + files(windows, "scored_train")
        written.append([(path.name, read([path])) for path in paths])
    assert written[0] == written[1]


def pipeline(tmp_path, options, root):
    importer = tfx.dsl.Importer(
        source_uri=str(tmp_path / "examples"),
        artifact_type=standard_artifacts.Examples,
        properties={"split_names": '["train"]'},
    ).with_id("examples")
    windows = SequenceWindows(importer.outputs["result"], options, source_digest="0")
    return tfx.dsl.Pipeline(
        pipeline_name="windows", pipeline_root=str(root), components=[importer, windows]
    )


def run_locally(tmp_path, options):
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(
        str(tmp_path / "metadata.sqlite")
    )
    definition = pipeline(tmp_path, options, tmp_path / "root")
    definition.metadata_connection_config = connection
    tfx.orchestration.LocalDagRunner().run(definition)


def test_the_component_runs_in_a_pipeline(tmp_path):
    write(tmp_path / "examples", {"train": cut([11, 1, 18], size=4)})
    run_locally(tmp_path, WindowOptions(batch_size=2, num_steps=6))
    (split,) = (tmp_path / "root").glob("SequenceWindows/windows/*/Split-train")
    windows = [r.features.feature["ids"].int64_list.value[0] for r in read(sorted(split.iterdir()))]
    assert windows == [0, 15, 6, 21]


def test_a_window_error_reaches_whoever_runs_the_pipeline(tmp_path):
    write(tmp_path / "examples", {"train": cut([20], size=4)})
    with pytest.raises(WindowError, match="split 'train' has 20"):
        run_locally(tmp_path, WindowOptions(batch_size=32, num_steps=35))


def test_the_component_compiles_for_kubeflow(tmp_path):
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(default_image="lyrics")
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config, str(tmp_path), "pipeline.json")
    runner.run(pipeline(tmp_path, WindowOptions(), "gs://bucket/root"), write_out=True)
    compiled = (tmp_path / "pipeline.json").read_text()
    assert "components.sequence_windows.executor.Executor" in compiled
