"""The SequenceWindows executor: checks the splits, and writes their windows."""

import json
import os
from collections.abc import Callable
from functools import partial

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.examples import describe, read_split
from components.executors import Artifacts, BeamExecutor, Properties
from components.sequence_windows.ngram_scores import NgramScores
from components.sequence_windows.transforms import WriteWindows
from components.sequence_windows.windows import ScoredWindows, TrainingWindows
from components.shards import Windows
from components.stream import Stream, path_of
from modules.features import TRAIN, scored_split
from modules.windows.windowing import WindowOptions

EXAMPLES = "examples"
DOCUMENTS = "documents"
NGRAM = "ngram"
OPTIONS = "options"
CACHE_SIZE = "cache_size"

# By the split that they are written to, what makes windows of a stream.
_Kinds = dict[str, Callable[[Stream], Windows]]
WINDOWS = "windows"


class Executor(BeamExecutor):
    """Checks in this process that the splits are long enough, and cuts them on Beam."""

    windows_per_shard = 4_096

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """Writes the windows of every split.

        Args:
            input_dict: `examples`, the transformed Examples; `documents`, how long they are;
                `ngram`, the n-grams of `train`.
            output_dict: `windows`, where they go.
            exec_properties: `options`, WindowOptions as JSON; `cache_size`, the characters that
                the cache remembers.

        Raises:
            WindowError: if a split is too short for them.
        """
        options = WindowOptions(**json.loads(exec_properties[OPTIONS]))
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        ngram = artifact_utils.get_single_uri(input_dict[NGRAM])
        scores = NgramScores(ngram, exec_properties[CACHE_SIZE])
        windows = artifact_utils.get_single_instance(output_dict[WINDOWS])
        splits = artifact_utils.decode_split_names(examples.split_names)
        documents = artifact_utils.get_single_uri(input_dict[DOCUMENTS])
        streams = {split: path_of(documents, split) for split in splits}
        _check(options, streams)
        kinds = {split: _kinds(options, split, scores) for split in splits}
        describe(windows, [name for split in splits for name in kinds[split]])
        # Beside the splits, not in them: whoever reads a split reads all the files there.
        temporary = os.path.join(windows.uri, "temporary")
        fileio.makedirs(temporary)
        try:
            self._write(kinds, examples, streams, windows, temporary)
        finally:
            fileio.rmtree(temporary)

    def _write(
        self,
        kinds: dict[str, _Kinds],
        examples: types.Artifact,
        streams: dict[str, str],
        windows: types.Artifact,
        temporary: str,
    ) -> None:
        """Writes the windows of each split."""
        with self.pipeline() as pipeline:
            for split, path in streams.items():
                serialized = pipeline | f"Read[{split}]" >> read_split(examples, split)
                for name, make_windows in kinds[split].items():
                    directory = artifact_utils.get_split_uri([windows], name)
                    fileio.makedirs(directory)
                    _ = serialized | f"Write[{name}]" >> WriteWindows(
                        make_windows, path, directory, temporary, self.windows_per_shard
                    )


def _check(options: WindowOptions, streams: dict[str, str]) -> None:
    for split, path in streams.items():
        length = sum(Stream.load(path).lengths)
        if split == TRAIN:
            options.check_training(split, length)
        options.check_scored(split, length)


def _kinds(options: WindowOptions, split: str, scores: NgramScores) -> _Kinds:
    """The kinds of windows made of a split.

    The n-grams score what they were not counted on.
    """
    if split != TRAIN:
        return {scored_split(split): partial(ScoredWindows, options, split, scores)}
    return {
        TRAIN: partial(TrainingWindows, options),
        scored_split(split): partial(ScoredWindows, options, split, None),
    }
