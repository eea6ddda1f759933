"""A models.config: what `--model_config_file` names, for the local server and TF Serving alike.

    # promoted lyrics: 41 42
    model_config_list {
      config {
        name: "lyrics"
        base_path: "/models/lyrics"
        model_platform: "tensorflow"
        model_version_policy { specific { versions: 42 } }
        version_labels { key: "stable" value: 42 }
      }
    }

Servers read a ModelServerConfig and pass over comments; the first lines are for rolling back.
Needs no TensorFlow.
"""

import os
import re
import uuid
from collections.abc import Collection
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from modules.errors import ConfigError
from serving.protocol import text_files
from serving.protocol.protos import PLATFORM
from serving.rollout.policy import STABLE, Policy

_PROMOTED = re.compile(r"^# promoted (.+): ([\d ]+)$", re.MULTILINE)


class ConfigFile:
    """What the file says, to be changed model by model and written at once.

    Attributes:
        path: of the file.
        config: its message.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file; one that is not there says nothing.

        Raises:
            ConfigError: if it is something else.
        """
        self.path = path
        self.config = ModelServerConfig()
        try:
            text = text_files.read(path) if path.exists() else ""
            text_format.Parse(text, self.config)
        except (OSError, UnicodeError, text_format.ParseError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(
                f"{path} is no text ModelServerConfig ({reason}): mend or remove it"
            ) from error
        self._promoted = {
            name: tuple(map(int, versions.split())) for name, versions in _PROMOTED.findall(text)
        }

    def policy(self, model_name: str) -> Policy:
        """Which versions of a model are served."""
        model = self._find(model_name)
        labels = dict(model.version_labels) if model else {}
        promoted = self._promoted.get(model_name, ())
        if STABLE in labels and promoted[-1:] != (labels[STABLE],):  # written by hand
            promoted = (*promoted, labels[STABLE])
        return Policy(labels, promoted)

    def set_policy(
        self, model_name: str, policy: Policy, base_path: str, besides: Collection[int] = ()
    ) -> None:
        """Changes which versions of a model are served.

        Args:
            model_name: the model; it is added if it is not there.
            policy: the versions and their labels.
            base_path: the versions' directory as the server sees it; an empty one stays as it is.
            besides: versions to serve without a label.
        """
        model = self._find(model_name) or self.config.model_config_list.config.add(
            name=model_name, model_platform=PLATFORM
        )
        model.base_path = base_path or model.base_path
        model.ClearField("model_version_policy")
        model.ClearField("version_labels")
        versions = sorted({*policy.versions, *besides})
        if versions:
            model.model_version_policy.specific.versions.extend(versions)
        model.version_labels.update(policy.labels)
        self._promoted[model_name] = policy.promoted

    def write(self) -> None:
        """Writes it under another name and renames it: a server reads the old or the new one.

        Raises:
            ConfigError: if it cannot be written.
        """
        history = [
            f"# promoted {name}: {' '.join(map(str, versions))}\n"
            for name, versions in sorted(self._promoted.items())
            if versions
        ]
        text = text_format.MessageToString(self.config, as_utf8=True)
        unfinished = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}")
        try:
            unfinished.write_text("".join(history) + text, "utf-8")
            os.replace(unfinished, self.path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise ConfigError(
                f"{self.path} cannot be written ({error.strerror}): name a file in a directory "
                "that is there and that this user may write to"
            ) from error

    def base_path(self, model_name: str) -> str:
        """The versions' directory as the server sees it; none if there is no such model."""
        model = self._find(model_name)
        return model.base_path if model else ""

    def _find(self, model_name: str) -> ModelConfig | None:
        models = self.config.model_config_list.config
        return next((model for model in models if model.name == model_name), None)
