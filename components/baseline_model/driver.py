"""What the cache has to know of the world outside: which version is the newest."""

import logging

from tensorflow.errors import OpError
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import drivers
from components.baseline_model.executor import BASE_DIRECTORY, MODEL, newest_other_version
from components.executors import Artifacts, Properties
from modules.errors import LyricsError

_logger = logging.getLogger(__name__)


class Driver(drivers.Driver):
    """Makes the chosen version an execution property, and why it is no newer one."""

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """See base class."""
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(inputs[MODEL]))
        try:
            return newest_other_version(exec_properties[BASE_DIRECTORY], model).properties()
        except (LyricsError, OpError) as error:
            _logger.debug("cannot look for the baseline: %s", error)
            return {}
