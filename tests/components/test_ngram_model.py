import random
from collections import Counter
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.utils import import_utils

from components import Documents, Ngrams, ngrams
from components.examples import make_example
from components.ngram_model import NgramModel, counting
from components.ngram_model.counting import SumCounts
from components.ngram_model.executor import Executor
from modules.errors import WindowError
from modules.ngrams.counts import Stretch, count

CHARACTERS = "\nabcde"  # indices 1 to 6
LINE_END = 1


def examples_of(texts, size):
    """Examples, of `size` characters at most, of documents with these texts."""
    examples = [
        make_example(
            {
                "text": text[offset : offset + size],
                "document": f"歌.zip/{index}.txt",
                "document_index": 2 * index,
                "position": 5 + offset,
                "ids": [CHARACTERS.find(c) + 1 for c in text[offset : offset + size]],
            }
        )
        for index, text in enumerate(texts)
        for offset in range(0, len(text), size)
    ]
    return random.Random(0).sample(examples, len(examples))


def counted(texts, order):
    """{n-gram: count} with each document after a line end, one n-gram at a time."""
    found = Counter()
    for text in texts:
        ids = [LINE_END, *(CHARACTERS.find(c) + 1 for c in text)]
        for length in range(1, order + 1):
            for stop in range(max(length, 2), len(ids) + 1):
                found[tuple(ids[stop - length : stop])] += 1
    return found


def listed(counts):
    """The same, of NgramCounts; those never counted left out."""
    found, above = {}, [()]
    for level in counts.levels:
        above = [(*above[key // counts.vocab_size], key % counts.vocab_size) for key in level.keys]
        found |= {gram: n for gram, n in zip(above, level.counts.tolist(), strict=True) if n}
    return found


@pytest.fixture(scope="module")
def transform_graph(tmp_path_factory):
    """An artifact with the vocabulary, as Transform leaves it."""
    artifact = standard_artifacts.TransformGraph()
    artifact.uri = str(tmp_path_factory.mktemp("transform_graph"))
    assets = Path(artifact.uri, "transform_fn", "assets")
    assets.mkdir(parents=True)
    entries = ["<unk>", *(str(ord(c)) for c in CHARACTERS)]
    (assets / "characters").write_text("\n".join(entries) + "\n")
    return artifact


class SmallShards(Executor):
    windows_per_shard = 2


@pytest.fixture(scope="module")
def execute(write_examples, write_documents, transform_graph):
    """Runs the executor in a directory, on Examples of several files, into shards of 2."""

    def run(directory, examples, order=3, newline="keep", context=None):
        ngram = Ngrams()
        ngram.uri = str(directory / "ngram")
        Path(ngram.uri).mkdir()
        SmallShards(context).Do(
            {
                "examples": [write_examples(directory / "examples", {"train": examples}, 3)],
                "documents": [write_documents(directory / "documents", {"train": examples})],
                "transform_graph": [transform_graph],
            },
            {"ngram": [ngram]},
            {"ngram_order": order, "newline": newline, "source_digest": "0"},
        )
        assert [path.name for path in Path(ngram.uri).iterdir()] == ["counts.npz"]
        return ngrams.load(ngram.uri)

    return run


def test_a_song_by_hand(execute, tmp_path):
    counts = execute(tmp_path, examples_of(["abab"], size=3), order=2)
    assert (counts.vocab_size, counts.line_end) == (7, LINE_END)
    a, b = 2, 3
    # The line end before the song is its first character's history, and is not counted itself.
    assert listed(counts) == {(a,): 2, (b,): 2, (LINE_END, a): 1, (a, b): 2, (b, a): 1}


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.lists(st.text(CHARACTERS, min_size=1, max_size=40), min_size=1, max_size=5),
    size=st.integers(1, 15),
    order=st.integers(1, 6),
    block=st.integers(1, 12),
)
def test_it_counts_what_is_there(execute, tmp_path_factory, texts, size, order, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "BLOCK", block)
        counts = execute(tmp_path_factory.mktemp("property"), examples_of(texts, size), order)
    assert listed(counts) == counted(texts, order)
    assert len(counts.levels) == order


def test_where_newlines_are_spaces_a_document_follows_one(execute, tmp_path):
    # There is no space in this vocabulary: it is <unk>, as it is for the network.
    counts = execute(tmp_path, examples_of(["ab"], size=3), newline="space")
    assert counts.line_end == 0
    assert listed(counts).keys() == {(2,), (3,), (0, 2), (2, 3), (0, 2, 3)}


def test_bundles_on_several_workers_count_the_same(execute, tmp_path):
    def two_workers():
        flags = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
        return beam.Pipeline(options=PipelineOptions(flags))

    texts = ["abcde\nabc" * 5, "cab\n" * 9]
    context = BaseBeamExecutor.Context(make_beam_pipeline_fn=two_workers)
    assert listed(execute(tmp_path, examples_of(texts, 4), context=context)) == counted(texts, 3)


def test_a_split_without_a_character_is_refused(execute, tmp_path):
    with pytest.raises(WindowError, match="split 'train' has 0: give more text"):
        execute(tmp_path, [])


def test_sums_hold_no_more_than_twice_the_distinct_ngrams():
    rng = np.random.default_rng(0)
    texts = [rng.zipf(1.5, 300) % 50 for _ in range(60)]
    parts = [count([Stretch(text, 0)], 50, 0, 3) for text in texts]
    whole = count([Stretch(text, 0) for text in texts], 50, 0, 3)
    sums = SumCounts()
    accumulators = [sums.create_accumulator() for _ in range(3)]
    for n, part in enumerate(parts):
        accumulators[n % 3] = sums.add_input(accumulators[n % 3], part)
        assert sum(part.size for part in accumulators[n % 3]) <= 2 * whole.size
    merged = sums.merge_accumulators(accumulators)
    assert listed(sums.extract_output(merged)) == listed(whole)


@pytest.mark.parametrize("artifact", [Documents, Ngrams])
def test_kubeflow_finds_an_artifacts_class_by_its_name(artifact):
    assert import_utils.import_class_by_path(artifact.TYPE_NAME) is artifact


def test_the_component_runs_in_a_pipeline(
    workplace, import_artifact, write_examples, write_documents, transform_graph, tmp_path
):
    splits = {"train": examples_of(["abab"], 3)}
    artifact = write_examples(tmp_path / "examples", splits)
    told = write_documents(tmp_path / "documents", splits)

    def run(order):
        examples = import_artifact("examples", artifact)
        documents = import_artifact("documents", told)
        graph = import_artifact("graph", transform_graph)
        node = NgramModel(
            examples.outputs["result"],
            documents.outputs["result"],
            graph.outputs["result"],
            ngram_order=order,
            newline="keep",
        )
        return workplace.run(examples, documents, graph, node)["NgramModel"]

    assert run(order=2) == "COMPLETE"
    uri, _ = workplace.output("NgramModel", "ngram")
    assert listed(ngrams.load(str(uri))) == counted(["abab"], 2)
    assert run(order=2) == "CACHED"
    assert run(order=3) == "COMPLETE"
