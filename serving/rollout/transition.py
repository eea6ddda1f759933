"""Brings a models.config and the server that reads it from one policy to another.

A server moves a label only to a version that is loaded already, and refuses the whole config
otherwise. So there is a time between, in which the file and the server have the versions of both
policies and the labels of the old one; no request that names a label is left without a version.

Source: TensorFlow Serving, serving_config.md, on assigning labels to versions, and
UpdateModelVersionLabelMap in model_servers/server_core.cc.
"""

from dataclasses import dataclass

from modules.errors import ServerUnavailable, ServingError
from serving.rollout.admin import AdminClient
from serving.rollout.config_file import ConfigFile
from serving.rollout.policy import Policy


@dataclass(frozen=True)
class Rollout:
    """Of one model.

    Attributes:
        file: what the server was started with, or is to be.
        model_name: what requests call the model.
        base_path: the versions' directory as the server sees it.
        timeout: seconds in which new versions have to be loaded.
    """

    file: ConfigFile
    model_name: str
    base_path: str
    timeout: float = 60

    def write(self, policy: Policy) -> None:
        """Changes the file only."""
        self._write(policy)

    def carry_out(self, policy: Policy, server: AdminClient) -> None:
        """Changes the file and the server; both stay what they were if a version cannot be loaded.

        Raises:
            ServingError: if the server cannot be reached, where the file is changed all the same,
                or if it cannot do what the file would say.
        """
        before = self.file.policy(self.model_name)
        try:
            self._apply(before, server, besides=policy.versions)
            server.wait_until_available(policy.versions, self.timeout)
            self._apply(policy, server)
        except ServerUnavailable as error:
            self._write(policy)
            raise ServingError(
                f"{self.file.path} is changed, for the server's next start, but {error}"
            ) from error
        except ServingError as error:
            self._apply(before, server)
            raise ServingError(f"{error}: nothing is changed") from error

    def _apply(self, policy: Policy, server: AdminClient, besides: list[int] | None = None) -> None:
        self._write(policy, besides)
        server.reload(self.file.config)

    def _write(self, policy: Policy, besides: list[int] | None = None) -> None:
        self.file.set_policy(self.model_name, policy, self.base_path, besides or ())
        self.file.write()
