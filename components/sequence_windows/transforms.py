"""The Beam transform that writes a split's windows."""

import os
import uuid
from collections.abc import Callable
from functools import partial

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.io import fileio

from components.examples import serialize
from components.shards import MapShards, Shard, Windows
from components.stream import Stream


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
        stream_path: of the Stream of the same examples.
        directory: where the files go.
        temporary: a directory of the same filesystem, for files that are not yet whole.
        windows_per_shard: windows in a file; the last one may have fewer.

    Returns:
        The files' paths.
    """
    write = partial(_write, directory=directory, temporary=temporary)
    return examples | "Shards" >> MapShards(write, make_windows, stream_path, windows_per_shard)


def _write(shard: Shard, directory: str, temporary: str) -> str:
    """Writes one shard. Done again, or twice at once, it leaves the same file."""
    unfinished = os.path.join(temporary, uuid.uuid4().hex)
    with tf.io.TFRecordWriter(unfinished, "GZIP") as writer:
        for example in shard.windows:
            writer.write(serialize(example))
    # Names sort as the shards do, however many there are.
    digits = max(5, len(str(shard.num_shards - 1)))
    path = os.path.join(directory, f"windows-{shard.number:0{digits}d}.gz")
    fileio.rename(unfinished, path, overwrite=True)
    return path
