"""The Beam transform that counts n-grams: in blocks, as NumPy does, and not one by one."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial, reduce

import apache_beam as beam
import numpy as np
import tensorflow as tf

from components import ngrams
from components.examples import ids_of
from components.shards import MapShards, Shard
from components.stream import Stream
from modules.ngrams.counts import NgramCounts, Stretch, count, merge
from modules.windows.windowing import Strided

BLOCK = 4_096  # characters


@dataclass(frozen=True)
class CountedWindows:
    """Windows of one document, after the characters that their first n-grams reach back to."""

    order: int
    line_end: int
    stream: Stream

    @cached_property
    def layout(self) -> Strided:
        """See Windows."""
        return Strided(self.stream.lengths, stride=BLOCK, context=self.order - 1)

    def values(self, example: tf.train.Example) -> np.ndarray:
        """See Windows; int64[n], indices."""
        return ids_of(example)

    def assemble(self, window: int, fragments: Iterable[np.ndarray]) -> Stretch:
        """See Windows."""
        start, _ = self.layout.window(window)
        first = self.layout.first_scored(window) - start
        document, position = self.stream.origin(start)
        # What precedes a document is read, and not counted.
        before = [self.line_end] if position == document.first else []
        return Stretch(
            np.concatenate([np.array(before, np.int64), *fragments]), len(before) + first
        )


@beam.ptransform_fn
def CountNgrams(
    examples: beam.PCollection,
    order: int,
    vocab_size: int,
    line_end: int,
    stream_path: str,
    directory: str,
    windows_per_shard: int,
) -> beam.PCollection:
    """Writes the counts of all `examples` together to `directory`; see `components.ngrams`.

    Args:
        examples: serialised tf.train.Examples, in any order.
        order: characters of the longest n-gram.
        vocab_size: indices are below it.
        line_end: index of what ends a line.
        stream_path: of the Stream of the same examples.
        directory: where the counts go.
        windows_per_shard: windows that are counted at once.
    """
    make_windows = partial(CountedWindows, order, line_end)

    def count_shard(shard: Shard) -> NgramCounts:
        return count(list(shard.windows), vocab_size, line_end, order)

    return (
        examples
        | "Shards" >> MapShards(count_shard, make_windows, stream_path, windows_per_shard)
        | "Sum" >> beam.CombineGlobally(SumCounts()).without_defaults()
        | "Save" >> beam.Map(ngrams.save, directory)
    )


class SumCounts(beam.CombineFn):
    """Adds NgramCounts up.

    Its accumulator is a list in which each is more than twice as large as the next. So it holds
    no more than twice the distinct n-grams, and each of these is merged again only as often as
    the whole has doubled.
    """

    def create_accumulator(self) -> list[NgramCounts]:
        """See base class."""
        return []

    def add_input(self, parts: list[NgramCounts], part: NgramCounts) -> list[NgramCounts]:
        """See base class."""
        parts = [*parts, part]
        while len(parts) > 1 and parts[-2].size <= 2 * parts[-1].size:
            parts[-2:] = [merge(parts[-2:])]
        return parts

    def merge_accumulators(self, accumulators: Iterable[list[NgramCounts]]) -> list[NgramCounts]:
        """See base class."""
        parts = [part for accumulator in accumulators for part in accumulator]
        return reduce(self.add_input, parts, self.create_accumulator())

    def extract_output(self, parts: list[NgramCounts]) -> NgramCounts:
        """See base class."""
        return merge(parts)
