"""Cuts a split into windows with Beam, a shard of them at a time, and never holds all of it.

    Examples --scatter--> (shard, fragments of windows) --group--> Shard --work--> what it makes

The most that a worker holds is one shard, `windows_per_shard` windows, and the list of documents.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import apache_beam as beam
import numpy as np
import tensorflow as tf

from components.examples import place_of
from components.stream import Stream
from modules.windows.windowing import Layout

# Of some characters, one after the other: in the form that a kind of windows wants.
Values = Sequence[Any] | np.ndarray

# What one Example gives to one window: the window, where in the stream the fragment starts, and
# its values. A plain tuple, because Beam's coder is fast for no other.
Fragment = tuple[int, int, Values]


class Windows(Protocol):
    """The windows of one split: all in which the kinds of them differ."""

    @property
    def stream(self) -> Stream:
        """The split that they are cut from."""

    @property
    def layout(self) -> Layout:
        """Where they lie in the stream."""

    def values(self, example: tf.train.Example) -> Values:
        """An Example's characters, in the form that the windows hold them."""

    def assemble(self, window: int, fragments: Iterable[Any]) -> Any:
        """The window that is made of these stretches of values, in order."""


class Shard(NamedTuple):
    """Windows that follow one another.

    Attributes:
        number: shards are numbered from 0, in the order of their windows.
        num_shards: how many there are.
        windows: what `Windows.assemble` makes of each, in order.
    """

    number: int
    num_shards: int
    windows: Iterator[Any]


@beam.ptransform_fn
def MapShards(
    examples: beam.PCollection,
    work: Callable[[Shard], Any],
    make_windows: Callable[[Stream], Windows],
    stream_path: str,
    windows_per_shard: int,
) -> beam.PCollection:
    """Applies `work` to each shard of windows.

    Args:
        examples: serialised tf.train.Examples, in any order.
        work: what to do with a shard; may be done twice.
        make_windows: the kind of windows, given their stream.
        stream_path: of the Stream of the same examples.
        windows_per_shard: windows in a shard; the last one may have fewer.

    Returns:
        What `work` returned.
    """
    windows = beam.pvalue.AsSingleton(
        examples.pipeline
        | "StreamPath" >> beam.Create([stream_path])
        | "Windows" >> beam.Map(lambda path: make_windows(Stream.load(path)))
    )

    def work_on(element: tuple[int, Iterable[list[Fragment]]], windows: Windows) -> Any:
        return work(_shard(*element, windows, windows_per_shard))

    return (
        examples
        | "Scatter" >> beam.FlatMap(_scatter, windows, windows_per_shard)
        | "ByShard" >> beam.GroupByKey()
        | "Work" >> beam.Map(work_on, windows)
    )


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


def _fragment(window: int, start: int, values: Values, layout: Layout) -> Fragment:
    """The part of `values`, which start at `start` in the stream, that the window holds."""
    first, stop = layout.window(window)
    first = max(first, start)
    return window, first, values[first - start : stop - start]


def _shard(
    number: int, groups: Iterable[list[Fragment]], windows: Windows, windows_per_shard: int
) -> Shard:
    """The shard of these groups of fragments, which come in any order."""
    num_windows = windows.layout.num_windows
    first = number * windows_per_shard
    indices = range(first, min(first + windows_per_shard, num_windows))
    num_shards = -(-num_windows // windows_per_shard)
    return Shard(number, num_shards, _assemble(indices, groups, windows))


def _assemble(indices: range, groups: Iterable[list[Fragment]], windows: Windows) -> Iterator[Any]:
    """These windows, in order, put together from their fragments."""
    fragments = sorted(chain.from_iterable(groups), key=itemgetter(0, 1))
    by_window = groupby(fragments, key=itemgetter(0))
    for window in indices:
        _, parts = next(by_window, (window, ()))
        yield windows.assemble(window, _whole(window, parts, windows.layout))


def _whole(window: int, fragments: Iterable[Fragment], layout: Layout) -> Iterator[Values]:
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
