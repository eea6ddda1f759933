"""What the cache has to know of the world outside: whether earlier pushes are still there."""

from tensorflow.io import gfile
from tfx.types import standard_artifacts

from components import drivers
from components.executors import Artifacts, Properties
from components.pusher.executor import PUSHED_DESTINATION

LOST_VERSIONS = "lost_versions"


class Driver(drivers.Driver):
    """Counts the pushed versions that are gone, as an execution property.

    So a model whose version was removed is pushed again, while an unchanged run is cached.
    """

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """See base class."""
        pushes = self.artifacts(standard_artifacts.PushedModel.TYPE_NAME)
        paths = [push.custom_properties[PUSHED_DESTINATION].string_value for push in pushes]
        return {LOST_VERSIONS: sum(bool(path) and not gfile.exists(path) for path in paths)}
