"""The work of Pusher.

Not public in TFX 1.16: `_MarkPushed` and `_MarkNotPushed` of its Pusher, which write the properties
that others read off a PushedModel. They could be written here by their names.
"""

from tfx.components.pusher import executor as tfx_pusher
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components import saved_models
from components.executors import Artifacts, Properties
from components.pusher.publish import publish
from modules import versions
from modules.errors import ConfigError

# Properties that TFX's Pusher gives its artifact.
PUSHED_DESTINATION = "pushed_destination"
PUSHED_VERSION = "pushed_version"


class Executor(tfx_pusher.Executor):
    """Publishes the model if it is blessed."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """See base class."""
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        base = destination.filesystem.base_directory
        if not base:
            raise ConfigError("push_destination has no directory: give filesystem.base_directory")
        model = self.GetModelPath(input_dict)
        saved_models.copy(model, pushed.uri)  # the artifact outlives the version
        version = publish(model, base)  # last, so that nothing that fails has pushed
        self._MarkPushed(pushed, versions.path_of(base, version), str(version))
