"""TFX's Evaluator, for a baseline that may be missing."""

from tfx import v1 as tfx
from tfx.dsl.components.base import executor_spec

from components.evaluator.executor import Executor


class Evaluator(tfx.components.Evaluator):
    """As TFX's Evaluator, but a baseline artifact without a model counts as no baseline.

    The blessing carries the reason for the decision as the custom property `reason`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
