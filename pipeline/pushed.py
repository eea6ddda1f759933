"""The versions that were pushed to a directory of this machine. No TensorFlow here."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modules import versions
from modules.errors import ConfigError

CONFIG_NAME = "models.config"  # beside the versions, unless another file is named


@dataclass(frozen=True)
class Version:
    """A pushed version.

    Attributes:
        version: its number.
        pushed: when, in local time, as ISO 8601.
        labels: that clients may ask for it by.
        state: on the server, as TF Serving calls it; None if no server answers.
    """

    version: int
    pushed: str
    labels: list[str]
    state: str | None


@dataclass(frozen=True)
class Place:
    """Where the versions are.

    Attributes:
        model_base_path: directory of the pushed versions.
        model_name: what requests call the model.
        model_config_file: the file that says which are served.
    """

    model_base_path: Path
    model_name: str
    model_config_file: Path

    def versions(self) -> list[int]:
        """All that were pushed, ascending."""
        if not self.model_base_path.is_dir():
            raise ConfigError(
                "{model_base_path} is no directory here: give the one with a model's numbered "
                "versions, or run the pipeline until it has pushed one",
                {"model_base_path": str(self.model_base_path)},
            )
        return [*versions.directories(str(self.model_base_path))]

    def pushed(self, version: int) -> str:
        """When a version was, in local time, as ISO 8601."""
        seconds = (self.model_base_path / str(version)).stat().st_mtime
        return datetime.fromtimestamp(seconds).isoformat(" ", "minutes")

    def check(self, version: int) -> None:
        """Refuses a version that was not pushed."""
        pushed = self.versions()
        if version not in pushed:
            raise ConfigError(
                f"version {version} is not in {self.model_base_path}: "
                f"choose one of {', '.join(map(str, pushed)) or 'none, for there are none yet'}"
            )

    def is_promoted(self) -> bool:
        """Whether the file says which of these versions are served."""
        from serving.rollout.config_file import (
            ConfigFile,  # protocol buffers, which --help does not need
        )

        if not self.model_config_file.is_file():
            return False
        file = ConfigFile(self.model_config_file)
        here = file.base_path(self.model_name) == str(self.model_base_path.resolve())
        return here and bool(file.policy(self.model_name).labels)
