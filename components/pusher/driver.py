"""What the cache has to know of the world outside: whether earlier pushes are still there."""

import logging
import os

from ml_metadata.proto.metadata_store_pb2 import Artifact
from tensorflow.errors import OpError
from tensorflow.io import gfile
from tfx.types import standard_artifacts

from components import drivers, pushed, saved_models
from components.executors import Artifacts, Properties
from components.pusher.executor import PUSHED_DESTINATION
from modules.errors import LyricsError

_logger = logging.getLogger(__name__)

LOST_VERSIONS = "lost_versions"


class Driver(drivers.Driver):
    """Counts the pushed versions that are gone or damaged, as an execution property.

    So a model whose version is not what was pushed is pushed again; an unchanged run is cached.
    """

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """See base class."""
        pushes = self.artifacts(standard_artifacts.PushedModel.TYPE_NAME)
        try:
            return {LOST_VERSIONS: sum(map(is_lost, pushes))}
        except (LyricsError, OpError) as error:
            _logger.debug("cannot look for the versions: %s", error)
            return {}


def is_lost(push: Artifact) -> bool:
    """Whether its version is not what it was: the artifact keeps a copy."""
    path = push.custom_properties[PUSHED_DESTINATION].string_value
    if not path or not gfile.exists(push.uri):
        return False
    if path not in pushed.found(os.path.dirname(path)).values():
        return True
    with pushed.readable(path) as there:
        is_it = saved_models.digest(there) == saved_models.digest(push.uri)
        return not is_it or not saved_models.has_checksums(there)
