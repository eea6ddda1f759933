"""All models of a server: found by ModelSpec, changed by a new ModelServerConfig.

Source of the rules and of the sentences: TF Serving, model_servers/server_core.cc and
model_servers/get_model_status_impl.cc.
"""

import logging
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager

import tensorflow as tf
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.protocol.protos import error_codes_pb2
from serving.server.refusals import (
    failed_precondition,
    invalid_argument,
    not_found,
    servable_not_found,
)
from serving.server.runtime.loaded_model import LoadedModel
from serving.server.versions import model_config
from serving.server.versions.aspired import aspired_versions
from serving.server.versions.lifecycle import Loading, ModelVersions

_logger = logging.getLogger(__name__)


class Models:
    """Loads the models of a config, lends their versions and tells how these stand.

    Everything may be called from any thread.
    """

    def __init__(
        self,
        loading: Loading | None = None,
        allow_version_labels_for_unavailable_models: bool = False,
    ) -> None:
        """Serves nothing before the first `reload`.

        Args:
            loading: how versions are loaded.
            allow_version_labels_for_unavailable_models: whether a label that is new, or stays
                where it is, may be given to a version that is not available.
        """
        self._loading = loading or Loading()
        self._allow_unavailable = allow_version_labels_for_unavailable_models
        self._managing = threading.RLock()  # one change at a time
        self._config = ModelServerConfig()
        self._models: dict[str, ModelVersions] = {}  # all there ever were
        self._labels: dict[str, dict[str, int]] = {}

    def use(self, spec: ModelSpec) -> AbstractContextManager[LoadedModel]:
        """Lends the version that a request asks for; see `ModelVersions.use`.

        Raises:
            tf.errors.InvalidArgumentError: if there is no name, or no such label.
            tf.errors.NotFoundError: if there is no such model, or version.
        """
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        version = self._version(spec)
        if spec.name not in self._models:
            raise servable_not_found(spec.name, version)
        return self._models[spec.name].use(version)

    def statuses(self, spec: ModelSpec) -> list[ModelVersionStatus]:
        """How the versions that a request asks for stand, newest first; a label is not looked at.

        Raises:
            tf.errors.NotFoundError: if there are none.
        """
        model = self._models.get(spec.name)
        statuses = model.statuses() if model else []
        if spec.HasField("version"):
            statuses = [status for status in statuses if status.version == spec.version.value]
        if not statuses:
            wanted = f"version {spec.version.value}" if spec.HasField("version") else "any versions"
            raise not_found(f"Could not find {wanted} of model {spec.name}")
        return statuses

    def names(self) -> list[str]:
        """The models of the config, whether they can be used or not."""
        return [config.name for config in self._config.model_config_list.config]

    def is_available(self) -> bool:
        """Whether every model of the config has a version that answers."""
        return all(self._models[name].available() for name in self.names())

    def reload(self, config: ModelServerConfig) -> None:
        """Serves the models of this config instead, and waits until each was tried to be loaded.

        What is in both configs goes on without a break. Labels may be given to versions that are
        available before, so a version is first loaded, then labelled.

        Raises:
            tf.errors.InvalidArgumentError: if the config makes no sense.
            tf.errors.FailedPreconditionError: if a label is given to a version that is not
                available. After these two errors everything is as before.
            tf.errors.UnknownError: if a new model did not become available; it will be tried again.
        """
        with self._managing:
            model_config.check_transition(self._config, config)
            labels = self._new_labels(config.model_config_list.config)
            model_config.check_platforms(config)
            before = self.names()
            for model in config.model_config_list.config:
                if model.name not in self._models:
                    versions = ModelVersions(model.name, self._loading)
                    self._models = {**self._models, model.name: versions}
            self._config, self._labels = config, labels
            for name in self._models.keys() - set(self.names()):
                self._models[name].aspire({})
            self.poll()
            self._check_available([name for name in self.names() if name not in before])

    def poll(self) -> None:
        """Looks for the versions on disk, and loads and unloads what is due."""
        with self._managing:
            for config in self._config.model_config_list.config:
                self._look(config)
            self.manage()

    def manage(self) -> None:
        """Loads and unloads what is due."""
        with self._managing:
            for model in self._models.values():
                model.manage()

    def close(self) -> None:
        """Unloads all models; requests that are still under way are cancelled."""
        with self._managing:
            for model in self._models.values():
                model.close()

    def _version(self, spec: ModelSpec) -> int | None:
        """The version that a request insists on."""
        if spec.WhichOneof("version_choice") != "version_label":
            return spec.version.value if spec.HasField("version") else None
        version = self._labels.get(spec.name, {}).get(spec.version_label)
        if version is None:
            raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
        return version

    def _new_labels(self, configs: Iterable[ModelConfig]) -> dict[str, dict[str, int]]:
        for config in configs:
            for label, version in config.version_labels.items():
                if not self._may_label(config.name, label, version):
                    raise failed_precondition(
                        f"Request to assign label to version {version} of model {config.name}, "
                        "which is not currently available for inference"
                    )
        return {config.name: dict(config.version_labels) for config in configs}

    def _may_label(self, name: str, label: str, version: int) -> bool:
        current = self._labels.get(name, {}).get(label, version)
        if self._allow_unavailable and current == version:
            return True
        return name in self._models and version in self._models[name].available()

    def _look(self, config: ModelConfig) -> None:
        try:
            directories = aspired_versions(config)
        except (OSError, tf.errors.OpError) as error:  # a file system may be away for a while
            _logger.error("cannot look for versions of %s: %s", config.name, error)
            return
        if not directories:
            _logger.warning("no version of %s to serve below %s", config.name, config.base_path)
        self._models[config.name].aspire(directories)

    def _check_available(self, names: list[str]) -> None:
        missing = [name for name in names if not self._models[name].available()]
        if not missing:
            return
        reasons = [_reason(name, s) for name in missing for s in self._models[name].statuses()]
        raise tf.errors.UnknownError(
            None,
            None,
            f"{len(missing)} model(s) did not become available: {{{''.join(reasons)}}}",
        )


def _reason(name: str, status: ModelVersionStatus) -> str:
    """What TF Serving says of a version that is not available."""
    error = status.status
    code = error_codes_pb2.Code.Name(error.error_code)
    because = f" due to error: {code}: {error.error_message}" if error.error_code else ""
    return f"{{{{name: {name} version: {status.version}}}{because}}}, "
