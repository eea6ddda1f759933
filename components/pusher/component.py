"""TFX's Pusher, with versions that appear whole and never collide."""

from tfx import v1 as tfx
from tfx.dsl.components.base import executor_spec

from components.pusher.driver import Driver
from components.pusher.executor import Executor


class Pusher(tfx.components.Pusher):
    """As TFX's Pusher, but for how a version is written: see `modules.versions.publish`."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver
