"""Training windows as SequenceWindows writes them, without its pipeline."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from modules.features import IDS
from modules.windows.windowing import WindowOptions


def write_windows(ids: np.ndarray, options: WindowOptions, directory: Path) -> str:
    """Cuts a corpus into training windows.

    Args:
        ids: int64[characters].
        options: what windows.
        directory: where they are written.

    Returns:
        the pattern of their files.
    """
    layout = options.training([ids.size])
    with tf.io.TFRecordWriter(str(directory / "windows-0.gz"), "GZIP") as writer:
        for window in range(layout.num_windows):
            start, stop = layout.window(window)
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=ids[start:stop]))
            features = tf.train.Features(feature={IDS: feature})
            writer.write(tf.train.Example(features=features).SerializeToString())
    return str(directory / "windows-*")
