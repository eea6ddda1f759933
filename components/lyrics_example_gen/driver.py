"""What the cache has to know of the world outside: what the input pattern stands for."""

import logging

from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from components.lyrics_example_gen.executor import INPUT_PATTERN
from components.lyrics_example_gen.source import FINGERPRINT, resolve
from modules.errors import LyricsError

_logger = logging.getLogger(__name__)


class Driver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Makes span, version and fingerprint execution properties, and so parts of the cache's key.

    Then the cache misses when the data change, and only then. Kubeflow runs no driver; there
    the executor alone resolves the pattern.
    """

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """See base class."""
        result = driver_output_pb2.DriverOutput()
        try:
            properties = resolve(execution_info.exec_properties[INPUT_PATTERN]).properties()
        except LyricsError as error:
            # The executor will meet it too. Raised here, it would leave the execution in the
            # metadata as running for ever; raised there, as failed.
            _logger.debug("cannot resolve the input: %s", error)
            properties = {FINGERPRINT: ""}
        for name, value in properties.items():
            property_type = "int_value" if isinstance(value, int) else "string_value"
            setattr(result.exec_properties[name], property_type, value)
        return result
