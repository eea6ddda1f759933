"""The SequenceWindows component: its channels and parameters."""

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components import Documents, Ngrams
from components.sequence_windows.executor import (
    CACHE_SIZE,
    DOCUMENTS,
    EXAMPLES,
    NGRAM,
    OPTIONS,
    WINDOWS,
    Executor,
)
from modules.sources import source_digest
from modules.windows.windowing import WindowOptions


class SequenceWindowsSpec(types.ComponentSpec):
    """What goes into SequenceWindows and what comes out."""

    INPUTS: ClassVar = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        DOCUMENTS: component_spec.ChannelParameter(type=Documents),
        NGRAM: component_spec.ChannelParameter(type=Ngrams),
    }
    OUTPUTS: ClassVar = {
        WINDOWS: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    PARAMETERS: ClassVar = {
        OPTIONS: component_spec.ExecutionParameter(type=str),  # WindowOptions, as JSON
        CACHE_SIZE: component_spec.ExecutionParameter(type=int),
        "source_digest": component_spec.ExecutionParameter(type=str),
    }


class SequenceWindows(base_beam_component.BaseBeamComponent):
    """Cuts the Examples of each split into windows.

    Its output `windows` has a split `train` of training windows, and for every split of the
    input one of scored windows (`modules.features.scored_split`). `modules.windows.windowing` draws
    both, and `modules.features` names their features. Scored windows of other splits than `train`
    hold the scores of the n-gram model and of the cache too. The files of a split, sorted by name,
    hold its windows in order.
    """

    SPEC_CLASS = SequenceWindowsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        documents: types.BaseChannel,
        ngram: types.BaseChannel,
        options: WindowOptions,
        cache_size: int,
    ) -> None:
        """Wires the component.

        Args:
            examples: channel of transformed Examples, with text, document, document_index,
                position and ids.
            documents: channel of what LyricsExampleGen tells of their documents.
            ngram: channel of the n-grams of their split `train`.
            options: what windows to cut.
            cache_size: characters that the cache remembers; 0 writes no scores of it.
        """
        spec = SequenceWindowsSpec(
            **{
                EXAMPLES: examples,
                DOCUMENTS: documents,
                NGRAM: ngram,
                OPTIONS: json.dumps(dataclasses.asdict(options), sort_keys=True),
                CACHE_SIZE: cache_size,
                "source_digest": source_digest(Executor.__module__),
                WINDOWS: types.Channel(type=standard_artifacts.Examples),
            }
        )
        super().__init__(spec=spec)
