"""The BaselineModel component: its channels and parameters."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.baseline_model.driver import Driver
from components.baseline_model.executor import (
    BASE_DIRECTORY,
    BASELINE,
    MODEL,
    PASSED_OVER,
    VERSION,
    Executor,
)
from modules.sources import source_digest


class BaselineModelSpec(types.ComponentSpec):
    """What goes into BaselineModel and what comes out."""

    INPUTS: ClassVar = {
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {
        BASELINE: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    PARAMETERS: ClassVar = {
        BASE_DIRECTORY: component_spec.ExecutionParameter(type=str),
        "source_digest": component_spec.ExecutionParameter(type=str),
        # Set by the driver.
        VERSION: component_spec.ExecutionParameter(type=int, optional=True),
        PASSED_OVER: component_spec.ExecutionParameter(type=str, optional=True),
    }


class BaselineModel(base_component.BaseComponent):
    """Copies the newest pushed version that is not the candidate to its output `baseline`.

    Only versions with the candidate's signatures count: the perplexity of one that continues
    texts says nothing about one that fills them in.

    One that is damaged is passed over; the Evaluator's reason names it.

    Where there is none the output artifact is empty, and the Evaluator compares with nothing.
    A candidate that was pushed before is not its own baseline: so an unchanged run comes to
    the same baseline, and is cached.

    It takes the place of TFX's Resolver, which open-source Kubeflow refuses: what was blessed
    last is what was pushed last, and where that lies is known without a metadata store.
    """

    SPEC_CLASS = BaselineModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, model: types.BaseChannel, base_directory: str) -> None:
        """Wires the component.

        Args:
            model: channel of the candidate.
            base_directory: where the Pusher writes versions.
        """
        spec = BaselineModelSpec(
            **{
                MODEL: model,
                BASE_DIRECTORY: base_directory,
                "source_digest": source_digest(Executor.__module__),
                BASELINE: types.Channel(type=standard_artifacts.Model),
            }
        )
        super().__init__(spec=spec)
