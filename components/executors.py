"""What the executors of this project have in common.

Not public in TFX 1.16, though meant for subclasses: `_make_beam_pipeline`, which makes a pipeline
with the arguments that the run was given. Without it each executor would read these by itself.
"""

from typing import Any, TypeAlias

import apache_beam as beam
from tfx import types
from tfx.dsl.components.base import base_beam_executor

# What TFX gives to `Do`: by their names, the artifacts of a channel, and execution properties.
Artifacts: TypeAlias = dict[str, list[types.Artifact]]
Properties: TypeAlias = dict[str, Any]


class BeamExecutor(base_beam_executor.BaseBeamExecutor):
    """An executor whose `pipeline()` runs when it is left, as a context."""

    def pipeline(self) -> beam.Pipeline:
        """A new pipeline, with the run's Beam arguments."""
        return self._make_beam_pipeline()
