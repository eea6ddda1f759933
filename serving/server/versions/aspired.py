"""Which versions of a model are to be served: those on disk that the policy names.

    <base path>/1/           with `latest { num_versions: 1 }`, which is the default,
    <base path>/00000002/    this one only: a name is read as a number
    <base path>/notes/       no number: ignored

Source: TF Serving, sources/storage_path/file_system_storage_path_source.cc.
"""

from tensorflow.io import gfile
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from modules.versions import SERVED, directories
from serving.server.refusals import invalid_argument


def aspired_versions(config: ModelConfig) -> dict[int, str]:
    """The directories of the versions to serve, by number.

    Raises:
        tf.errors.InvalidArgumentError: if there is no base path.
        tf.errors.OpError: if it cannot be read.
    """
    if not gfile.isdir(config.base_path):
        raise invalid_argument(
            f"Could not find base path {config.base_path} for servable {config.name}"
        )
    on_disk = directories(config.base_path, gfile, named=SERVED)
    policy = config.model_version_policy
    if policy.HasField("all"):
        numbers = set(on_disk)
    elif policy.HasField("specific"):
        numbers = set(on_disk) & set(policy.specific.versions)
    else:
        numbers = set([*on_disk][-max(policy.latest.num_versions, 1) :])
    return {number: on_disk[number] for number in numbers}
