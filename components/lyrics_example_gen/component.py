"""The LyricsExampleGen component: its channels and parameters."""

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components import Documents
from components.lyrics_example_gen.driver import Driver
from components.lyrics_example_gen.executor import (
    CORPUS,
    DOCUMENTS,
    EXAMPLES,
    HOLD_OUT,
    INPUT_PATTERN,
    Executor,
)
from components.lyrics_example_gen.source import FINGERPRINT, SPAN, VERSION, has_placeholders
from modules.corpus.holdout import HoldOut
from modules.corpus.reader import CorpusOptions
from modules.sources import source_digest


class LyricsExampleGenSpec(types.ComponentSpec):
    """What goes into LyricsExampleGen and what comes out."""

    INPUTS: ClassVar[dict] = {}
    OUTPUTS: ClassVar = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        DOCUMENTS: component_spec.ChannelParameter(type=Documents),
    }
    PARAMETERS: ClassVar = {
        INPUT_PATTERN: component_spec.ExecutionParameter(type=str),
        CORPUS: component_spec.ExecutionParameter(type=str),  # CorpusOptions, as JSON
        HOLD_OUT: component_spec.ExecutionParameter(type=str),  # HoldOut, as JSON
        "source_digest": component_spec.ExecutionParameter(type=str),
        # Set by the driver.
        SPAN: component_spec.ExecutionParameter(type=int, optional=True),
        VERSION: component_spec.ExecutionParameter(type=int, optional=True),
        FINGERPRINT: component_spec.ExecutionParameter(type=str, optional=True),
    }


class LyricsExampleGen(base_beam_component.BaseBeamComponent):
    """Reads zips of lyrics and writes them as Examples, in a split to train on and one held out.

    Its output `examples` has the splits `train`, `validation` where a part is asked for, and,
    unless nothing is held out, `eval`; `modules.features` names the features. Its properties
    `span`, `version` and `input_fingerprint` tell what was read, `account` what became of it. Its
    output `documents` tells which documents are in which split, and how long they are.

    It is no FileBasedExampleGen: that one splits by a hash of each record, and needs a driver,
    which open-source Kubeflow does not run.
    """

    SPEC_CLASS = LyricsExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, input_pattern: str, corpus: CorpusOptions, hold_out: HoldOut) -> None:
        """Wires the component.

        Args:
            input_pattern: path of a zip, a glob, or TFX's `span-{SPAN}/v{VERSION}/*.zip`, of
                which the newest version of the newest span is read.
            corpus: how to read the archives.
            hold_out: what to hold out.

        Raises:
            ConfigError: if the pattern's placeholders make no sense.
        """
        has_placeholders(input_pattern)
        spec = LyricsExampleGenSpec(
            **{
                INPUT_PATTERN: input_pattern,
                CORPUS: json.dumps(dataclasses.asdict(corpus), sort_keys=True),
                HOLD_OUT: json.dumps(dataclasses.asdict(hold_out), sort_keys=True),
                "source_digest": source_digest(Executor.__module__),
                EXAMPLES: types.Channel(type=standard_artifacts.Examples),
                DOCUMENTS: types.Channel(type=Documents),
            }
        )
        super().__init__(spec=spec)
