"""The SequenceWindows executor: measures the splits, checks them, writes their windows."""

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.examples import describe
from components.sequence_windows.stream import Stream
from components.sequence_windows.transforms import MeasureDocuments, WriteWindows
from components.sequence_windows.windows import ScoredWindows, TrainingWindows, Windows
from modules.features import TRAIN, scored_split
from modules.windowing import WindowOptions

EXAMPLES = "examples"
OPTIONS = "options"
WINDOWS = "windows"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs two pipelines: what windows there are follows from how long the documents are.

    Between them, in this process, it checks that the splits are long enough; it holds one
    split's list of documents then, but nothing of their text.
    """

    windows_per_shard = 4_096

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the windows of every split.

        Args:
            input_dict: `examples`, the transformed Examples.
            output_dict: `windows`, where they go.
            exec_properties: `options`, WindowOptions as JSON.

        Raises:
            WindowError: if a split is too short for them.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        options = WindowOptions(**json.loads(exec_properties[OPTIONS]))
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        windows = artifact_utils.get_single_instance(output_dict[WINDOWS])
        splits = artifact_utils.decode_split_names(examples.split_names)
        describe(windows, [name for split in splits for name in _kinds(options, split)])
        # Beside the splits, not in them: whoever reads a split reads all the files there.
        temporary = os.path.join(windows.uri, "temporary")
        fileio.makedirs(temporary)
        streams = {split: os.path.join(temporary, f"{split}.json") for split in splits}
        try:
            self._measure(examples, streams)
            _check(options, streams)
            self._write(options, examples, streams, windows, temporary)
        finally:
            fileio.rmtree(temporary)

    def _measure(self, examples: types.Artifact, streams: dict[str, str]) -> None:
        """Writes the Stream of each split to its path."""
        with self._make_beam_pipeline() as pipeline:
            for split, path in streams.items():
                _ = (
                    pipeline
                    | f"Read[{split}]" >> _read(examples, split)
                    | f"Measure[{split}]" >> MeasureDocuments(path)
                )

    def _write(
        self,
        options: WindowOptions,
        examples: types.Artifact,
        streams: dict[str, str],
        windows: types.Artifact,
        temporary: str,
    ) -> None:
        """Writes the windows of each split."""
        with self._make_beam_pipeline() as pipeline:
            for split, path in streams.items():
                serialized = pipeline | f"Read[{split}]" >> _read(examples, split)
                for name, make_windows in _kinds(options, split).items():
                    directory = artifact_utils.get_split_uri([windows], name)
                    fileio.makedirs(directory)
                    _ = serialized | f"Write[{name}]" >> WriteWindows(
                        make_windows, path, directory, temporary, self.windows_per_shard
                    )


def _read(examples: types.Artifact, split: str) -> beam.PTransform:
    (pattern,) = examples_utils.get_split_file_patterns([examples], split)
    return beam.io.ReadFromTFRecord(pattern, validate=False)  # an empty split may have no file


def _check(options: WindowOptions, streams: dict[str, str]) -> None:
    for split, path in streams.items():
        length = sum(Stream.load(path).lengths)
        if split == TRAIN:
            options.check_training(split, length)
        options.check_scored(split, length)


def _kinds(options: WindowOptions, split: str) -> dict[str, Callable[[Stream], Windows]]:
    """By the split that they are written to, the kinds of windows made of a split."""
    kinds: dict[str, Callable[[Stream], Windows]] = {}
    if split == TRAIN:
        kinds[TRAIN] = partial(TrainingWindows, options)
    kinds[scored_split(split)] = partial(ScoredWindows, options, split)
    return kinds
