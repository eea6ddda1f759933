"""A client that tells a server what to serve. No TensorFlow here."""

import time
from collections.abc import Collection

import grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from modules.errors import ModelNotReady, ServingError
from serving.client.blocking import POLL_SECONDS, LyricsClient
from serving.protocol.protos import model_management_pb2


class AdminClient(LyricsClient):
    """Changes what a server serves, and waits until it does."""

    def reload(self, config: ModelServerConfig) -> None:
        """Makes the server serve what `config` says, and nothing else.

        Raises:
            ServerUnavailable: if nobody answers.
            ServingError: if the server refuses.
        """
        request = model_management_pb2.ReloadConfigRequest(config=config)
        try:
            self._models.HandleReloadConfigRequest(request, timeout=self.timeout)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                raise self.failure(error) from error
            sentence = " ".join((error.details() or "").split())
            raise ServingError(
                f"the server at {self.target} refuses ({error.code().name}: {sentence})"
            ) from error

    def wait_until_available(self, versions: Collection[int], timeout: float) -> None:
        """Waits until the server has loaded all the versions.

        Args:
            versions: of the model.
            timeout: seconds to wait.

        Raises:
            ModelNotReady: if one cannot be loaded, or not in time.
            ServingError: if the server cannot be asked.
        """
        end = time.monotonic() + timeout
        while True:
            known = {status.version: status for status in self.status()}
            missing = [v for v in versions if v not in known or known[v].state != "AVAILABLE"]
            if not missing:
                return
            failed = [known[v] for v in missing if v in known and known[v].error]
            if failed or time.monotonic() + POLL_SECONDS > end:
                reason = failed[0] if failed else f"version {missing[0]} is not there"
                late = "" if failed else f" after {timeout:g} s"
                raise ModelNotReady(f"{self.model} at {self.target}: {reason}{late}")
            time.sleep(POLL_SECONDS)
