"""Drivers: what TFX's cache has to know of the world outside of a pipeline.

A driver runs before its component and may set execution properties, which are parts of the cache's
key. Kubeflow runs none: there a component is not cached, and its executor looks for itself.

Not public in TFX 1.16: `tfx.orchestration.portable`, whose drivers LocalDagRunner runs, while a
component takes only the older `tfx.dsl.components.base` kind; so a driver has to be of both. Where
TFX lets a component declare a driver of one kind, that is the parent to keep.
"""

from typing import Any

from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from components.executors import Artifacts, Properties


class Driver(portable_base_driver.BaseDriver, base_driver.BaseDriver):
    """Sets what `properties` says."""

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """See base class."""
        result = driver_output_pb2.DriverOutput()
        found = self.properties(execution_info.exec_properties, execution_info.input_dict)
        for name, value in found.items():
            kind = "int_value" if isinstance(value, int) else "string_value"
            setattr(result.exec_properties[name], kind, value)
        return result

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """What the cache has to know, by execution property.

        It must not raise: the execution would stay in the metadata as running for ever. What is
        wrong the executor will meet too.
        """
        raise NotImplementedError

    def artifacts(self, type_name: str) -> list[Any]:
        """Everything of a type that the metadata know, of all runs."""
        with self._mlmd_connection as metadata:
            return metadata.store.get_artifacts_by_type(type_name)
