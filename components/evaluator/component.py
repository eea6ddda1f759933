"""TFX's Evaluator, for a baseline that may be missing."""

import json
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx
from tfx.dsl.components.base import executor_spec

from components.evaluator.executor import Executor
from modules.sources import source_digest


class Evaluator(tfx.components.Evaluator):
    """As TFX's Evaluator, but a baseline artifact without a model counts as no baseline.

    The blessing carries the reason for the decision as the custom property `reason`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, eval_config: tfma.EvalConfig, **rest: Any) -> None:
        """Wires the component.

        Args:
            eval_config: what to measure. Its metrics are told the digest of their sources, and
                that of the executor, so that the cache sees an edit of them.
            **rest: as of TFX's Evaluator.
        """
        for metric in (metric for spec in eval_config.metrics_specs for metric in spec.metrics):
            digest = source_digest(Executor.__module__, metric.module)
            metric.config = json.dumps({"source_digest": digest})
        super().__init__(eval_config=eval_config, **rest)
