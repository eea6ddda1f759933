"""TFX's Pusher, with versions that appear whole and never collide."""

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import executor_spec

from components.pusher.driver import Driver
from components.pusher.executor import Executor
from modules.sources import source_digest


class Pusher(tfx.components.Pusher):
    """As TFX's Pusher, but for how a version is written: see `publish`."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self, model: types.BaseChannel, model_blessing: types.BaseChannel, base_directory: str
    ) -> None:
        """Wires the component.

        Args:
            model: channel of the model.
            model_blessing: channel of the Evaluator's verdict on it.
            base_directory: where versions go.
        """
        directory = tfx.proto.PushDestination.Filesystem(base_directory=base_directory)
        super().__init__(
            model=model,
            model_blessing=model_blessing,
            push_destination=tfx.proto.PushDestination(filesystem=directory),
            custom_config={"source_digest": source_digest(Executor.__module__)},
        )
