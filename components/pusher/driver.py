"""What the cache has to know of the world outside: whether earlier pushes are still there."""

from tensorflow.io import gfile
from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import standard_artifacts

from components.pusher.executor import PUSHED_DESTINATION

LOST_VERSIONS = "lost_versions"


class Driver(portable_base_driver.BaseDriver, base_driver.BaseDriver):
    """Counts the pushed versions that are gone, as an execution property.

    So a model whose version was removed is pushed again, while an unchanged run is cached.
    """

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """See base class."""
        with self._mlmd_connection as metadata:
            pushes = metadata.store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME)
        paths = [push.custom_properties[PUSHED_DESTINATION].string_value for push in pushes]
        result = driver_output_pb2.DriverOutput()
        lost = sum(bool(path) and not gfile.exists(path) for path in paths)
        result.exec_properties[LOST_VERSIONS].int_value = lost
        return result
