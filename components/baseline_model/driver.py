"""What the cache has to know of the world outside: which version is the newest."""

import logging

from tensorflow.errors import OpError
from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.baseline_model.executor import (
    BASE_DIRECTORY,
    MODEL,
    VERSION,
    newest_other_version,
)

_logger = logging.getLogger(__name__)


class Driver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Makes the chosen version an execution property, and so a part of the cache's key."""

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """See base class."""
        model = path_utils.serving_model_path(
            artifact_utils.get_single_uri(execution_info.input_dict[MODEL])
        )
        base = execution_info.exec_properties[BASE_DIRECTORY]
        result = driver_output_pb2.DriverOutput()
        try:
            result.exec_properties[VERSION].int_value = newest_other_version(base, model)
        except OpError as error:
            # Raised here, it would leave the execution in the metadata as running for ever. The
            # executor will look itself, and meet it too.
            _logger.debug("cannot look for the baseline: %s", error)
            result.Clear()
        return result
