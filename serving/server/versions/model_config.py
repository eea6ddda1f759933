"""Which models a server serves: the ModelServerConfig of TF Serving, and what is wrong with one.

    model_config_list {
      config {
        name: "lyrics"  base_path: "/models/lyrics"  model_platform: "tensorflow"
        model_version_policy { specific { versions: 1 versions: 2 } }  # else the latest one
        version_labels { key: "stable" value: 1 }
      }
    }

Source of the rules and of the sentences: TF Serving, model_servers/server_core.cc.
"""

from tensorflow_serving.config.model_server_config_pb2 import (
    ModelConfig,
    ModelServerConfig,
    ModelType,
)

from serving.protocol.protos import PLATFORM
from serving.server.refusals import failed_precondition, invalid_argument
from serving.server.text_protos import read_text_proto

LIST = "model_config_list"


def single(name: str, base_path: str) -> ModelServerConfig:
    """The config of one model, of which the newest version is served."""
    config = ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def read(path: str) -> ModelServerConfig:
    """Reads a ModelServerConfig in text format.

    Raises:
        ConfigError: if the file cannot be read, or is no such config.
    """
    return read_text_proto("model_config_file", path, ModelServerConfig())


def check_transition(old: ModelServerConfig, new: ModelServerConfig) -> None:
    """Raises where the server cannot go from one config to the other.

    Raises:
        tf.errors.FailedPreconditionError: if the new one is no list of models.
        tf.errors.InvalidArgumentError: if the list makes no sense, or a model changes its platform.
    """
    if new.WhichOneof("config") != LIST:
        raise failed_precondition(
            "Cannot transition to requested config. It is only legal to transition "
            "from one ModelConfigList to another."
        )
    _check_names(new)
    _check_base_paths(new)
    before = {config.name: config for config in old.model_config_list.config}
    for config in new.model_config_list.config:
        if config.name in before:
            _check_same_platform(before[config.name], config)


def check_platforms(config: ModelServerConfig) -> None:
    """Raises tf.errors.InvalidArgumentError if a model is for anything but TensorFlow."""
    for model in config.model_config_list.config:
        platform = _platform(model)
        if platform != PLATFORM:
            raise invalid_argument(f"Model {model.name} requests unsupported platform {platform}")


def _check_names(config: ModelServerConfig) -> None:
    names = [model.name for model in config.model_config_list.config]
    for name in names:
        if names.count(name) > 1:
            raise invalid_argument(f"Illegal to list model {name} multiple times in config list")


def _check_base_paths(config: ModelServerConfig) -> None:
    for model in config.model_config_list.config:
        if "://" not in model.base_path and not model.base_path.startswith("/"):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; "
                f"got base_path()={model.base_path}"
            )


def _check_same_platform(old: ModelConfig, new: ModelConfig) -> None:
    before, after = _platform(old), _platform(new)
    if before != after:
        raise invalid_argument(
            f"Illegal to change a model's platform. For model {new.name} platform was {before} "
            f"and new platform requested is {after}"
        )


def _platform(config: ModelConfig) -> str:
    """The platform that a model names, in the field of today or in that of before."""
    if not config.model_type:
        if config.model_platform:
            return config.model_platform
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            f"nor ModelServerConfig::model_platform, model name is {config.name}"
        )
    if config.model_platform:
        raise invalid_argument(
            "Illegal setting both ModelServerConfig::model_type (deprecated) "
            f"and ModelServerConfig::model_platform, model name is {config.name}"
        )
    if config.model_type != ModelType.TENSORFLOW:
        raise invalid_argument(
            f"ModelServerConfig::model_type choice {config.model_type} not supported."
        )
    return PLATFORM
