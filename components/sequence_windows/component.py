"""The SequenceWindows component: its channels and parameters."""

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.sequence_windows.executor import EXAMPLES, OPTIONS, WINDOWS, Executor
from modules.windowing import WindowOptions


class SequenceWindowsSpec(types.ComponentSpec):
    """What goes into SequenceWindows and what comes out."""

    INPUTS: ClassVar = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS: ClassVar = {
        WINDOWS: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    PARAMETERS: ClassVar = {
        OPTIONS: component_spec.ExecutionParameter(type=str),  # WindowOptions, as JSON
        "source_digest": component_spec.ExecutionParameter(type=str),
    }


class SequenceWindows(base_beam_component.BaseBeamComponent):
    """Cuts the Examples of each split into windows.

    Its output `windows` has a split `train` of training windows, and for every split of the
    input one of scored windows (`modules.features.scored_split`). `modules.windowing` draws
    both, and `modules.features` names their features. The files of a split, sorted by name,
    hold its windows in order.
    """

    SPEC_CLASS = SequenceWindowsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, examples: types.BaseChannel, options: WindowOptions, source_digest: str
    ) -> None:
        """Wires the component.

        Args:
            examples: channel of transformed Examples, with text, document, document_index,
                position and ids.
            options: what windows to cut.
            source_digest: of the code that cuts them, so that the cache sees an edit of it.
        """
        spec = SequenceWindowsSpec(
            **{
                EXAMPLES: examples,
                OPTIONS: json.dumps(dataclasses.asdict(options), sort_keys=True),
                "source_digest": source_digest,
                WINDOWS: types.Channel(type=standard_artifacts.Examples),
            }
        )
        super().__init__(spec=spec)
