"""Beam transforms that measure a split and write its windows, and never hold all of it.

    Examples --scatter--> (shard, fragments of windows) --group--> shard --write--> one file

The most that a worker holds is one shard, `windows_per_shard` windows, and the list of documents.
"""

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.io import fileio

from components.examples import serialize
from components.sequence_windows.stream import Document, Stream
from components.sequence_windows.windows import Windows, document_of, place_of, text_of
from modules.windowing import Layout

# What one Example gives to one window: the window, where in the stream the fragment starts, and
# its values, one a character. A plain tuple, because Beam's coder is fast for no other.
Fragment = tuple[int, int, Sequence[Any]]


@beam.ptransform_fn
def MeasureDocuments(examples: beam.PCollection, path: str) -> beam.PCollection:
    """Writes the Stream of the serialised `examples` to `path`; see Stream.load."""
    return (
        examples
        | "Measure" >> beam.Map(_measure)
        | "ByDocument" >> beam.CombinePerKey(beam.combiners.TupleCombineFn(min, sum))
        | "Document" >> beam.MapTuple(lambda key, value: Document(*key, *value))
        | "List" >> beam.combiners.ToList()
        | "Save" >> beam.Map(Stream.save, path)
    )


@beam.ptransform_fn
def WriteWindows(
    examples: beam.PCollection,
    make_windows: Callable[[Stream], Windows],
    stream_path: str,
    directory: str,
    temporary: str,
    windows_per_shard: int,
) -> beam.PCollection:
    """Writes windows in order to `windows-00000.gz` and so on, gzipped TFRecords of Examples.

    Args:
        examples: serialised tf.train.Examples, in any order.
        make_windows: the kind of windows, given their stream.
        stream_path: where MeasureDocuments has written the Stream of the same examples.
        directory: where the files go.
        temporary: a directory of the same filesystem, for files that are not yet whole.
        windows_per_shard: windows in a file; the last one may have fewer.

    Returns:
        The files' paths.
    """
    windows = beam.pvalue.AsSingleton(
        examples.pipeline
        | "StreamPath" >> beam.Create([stream_path])
        | "Windows" >> beam.Map(lambda path: make_windows(Stream.load(path)))
    )
    return (
        examples
        | "Scatter" >> beam.FlatMap(_scatter, windows, windows_per_shard)
        | "ByShard" >> beam.GroupByKey()
        | "Write" >> beam.Map(_write, windows, windows_per_shard, directory, temporary)
    )


def _measure(serialized: bytes) -> tuple[tuple[int, str], tuple[int, int]]:
    """What one Example tells of its document: where it starts, at most, and its length."""
    example = tf.train.Example.FromString(serialized)
    document_index, position = place_of(example)
    return (document_index, document_of(example)), (position, len(text_of(example)))


def _scatter(
    serialized: bytes, windows: Windows, windows_per_shard: int
) -> Iterator[tuple[int, list[Fragment]]]:
    """What one Example gives to the windows that it touches, by shard."""
    example = tf.train.Example.FromString(serialized)
    start = windows.stream.locate(*place_of(example))
    values = windows.values(example)
    touched = windows.layout.touching(start, start + len(values))
    for shard, group in groupby(touched, key=lambda window: window // windows_per_shard):
        yield shard, [_fragment(window, start, values, windows.layout) for window in group]


def _fragment(window: int, start: int, values: Sequence[Any], layout: Layout) -> Fragment:
    """The part of `values`, which start at `start` in the stream, that the window holds."""
    first, stop = layout.window(window)
    first = max(first, start)
    return window, first, values[first - start : stop - start]


def _write(
    element: tuple[int, Iterable[list[Fragment]]],
    windows: Windows,
    windows_per_shard: int,
    directory: str,
    temporary: str,
) -> str:
    """Writes one shard. Done again, or twice at once, it leaves the same file."""
    shard, groups = element
    first = shard * windows_per_shard
    indices = range(first, min(first + windows_per_shard, windows.layout.num_windows))
    unfinished = os.path.join(temporary, uuid.uuid4().hex)
    with tf.io.TFRecordWriter(unfinished, "GZIP") as writer:
        for example in _assemble(indices, groups, windows):
            writer.write(serialize(example))
    # Names sort as the shards do, however many there are.
    digits = max(5, len(str(windows.layout.num_windows // windows_per_shard)))
    path = os.path.join(directory, f"windows-{shard:0{digits}d}.gz")
    fileio.rename(unfinished, path, overwrite=True)
    return path


def _assemble(
    indices: range, groups: Iterable[list[Fragment]], windows: Windows
) -> Iterator[tf.train.Example]:
    """These windows, in order, put together from their fragments."""
    fragments = sorted(chain.from_iterable(groups), key=itemgetter(0, 1))
    by_window = groupby(fragments, key=itemgetter(0))
    for window in indices:
        _, parts = next(by_window, (window, ()))
        yield windows.encode(window, _whole(window, parts, windows.layout))


def _whole(window: int, fragments: Iterable[Fragment], layout: Layout) -> Iterator[Sequence[Any]]:
    """The fragments' values, seen to fill the window with neither gap nor overlap."""
    start, stop = layout.window(window)
    reached = start
    for index, first, values in fragments:
        if (index, first) != (window, reached):
            break
        yield values
        reached += len(values)
    else:
        if reached == stop:
            return
    raise ValueError(
        f"window {window} holds [{start}, {stop}) of its split, but the Examples are in one piece "
        f"up to {reached} only: give each character in one Example, with one index in ids"
    )
