"""What the cache has to know of the world outside: whether earlier pushes are still there."""

import logging
import os

from ml_metadata.proto.metadata_store_pb2 import Artifact
from tensorflow.errors import OpError
from tensorflow.io import gfile
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components import drivers, pushed, saved_models
from components.executors import Artifacts, Properties
from components.pusher.executor import PUSHED_DESTINATION, PUSHED_VERSION
from modules.errors import LyricsError

_logger = logging.getLogger(__name__)

LOST_VERSIONS = "lost_versions"


class Driver(drivers.Driver):
    """Counts the pushed versions that are gone or damaged, as an execution property.

    So a model whose version is not what was pushed is pushed again; an unchanged run is cached.
    """

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """See base class."""
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        base = destination.filesystem.base_directory
        pushes = self.artifacts(standard_artifacts.PushedModel.TYPE_NAME)
        try:
            lost = sum(is_in(base, push) and is_lost(push) for push in pushes)
        except (LyricsError, OpError) as error:
            _logger.debug("cannot look for the versions: %s", error)
            return {}
        return {LOST_VERSIONS: lost}


def is_in(base: str, push: Artifact) -> bool:
    """Whether its version is one of a directory's: a store may know of others."""
    version = push.custom_properties[PUSHED_VERSION].string_value
    path = push.custom_properties[PUSHED_DESTINATION].string_value
    return path == os.path.join(base, version)


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
