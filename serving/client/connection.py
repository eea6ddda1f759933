"""Where and whom both clients ask, and what they make of refusals. No TensorFlow here."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc

from modules import contract
from modules.errors import ConfigError, ServingError
from modules.versions import LARGEST
from serving.protocol.arguments import as_integer, as_number, as_text
from serving.protocol.calls import Call, Response
from serving.protocol.failures import explain
from serving.protocol.protos import (
    SIGNATURE_DEF,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from serving.protocol.proxies import proxy_options

_logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# The library's own retries, with its jitter of a fifth. Status has none: it is asked for to see
# how things stand. Source: gRFC A6, "gRPC retry design".
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "tensorflow.serving.PredictionService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_LONGEST = 1e9  # seconds, of which gRPC can count a few more; of too many it makes none
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that has just started is found soon
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
]


@dataclass(frozen=True)
class Tls:
    """How to trust a server, and how to be trusted; PEM files all.

    Attributes:
        root_certificates: of who signed the server's certificate; "" is whom gRPC trusts.
        certificate_chain: the client's own, for a server that asks for one.
        private_key: of that certificate.
    """

    root_certificates: str = ""
    certificate_chain: str = ""
    private_key: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate_chain) != bool(self.private_key):
            raise ConfigError(
                "{certificate_chain} and {private_key}: give both, or neither", vars(self)
            )

    def credentials(self) -> grpc.ChannelCredentials:
        """What a secure channel takes.

        Raises:
            ConfigError: if a file cannot be read.
        """
        files = (self.root_certificates, self.private_key, self.certificate_chain)
        try:
            return grpc.ssl_channel_credentials(
                *(Path(file).read_bytes() if file else None for file in files)
            )
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}: give a PEM file") from error


class Connection:
    """What both clients know of the server: how to address it, and how to read its answers.

    Attributes:
        target: `host:port` of the server.
        timeout: seconds that a call may take, its retries included.
    """

    def __init__(
        self,
        target: str = f"localhost:{contract.GRPC_PORT}",
        model_name: str = contract.MODEL_NAME,
        timeout: float = 30,
        version: int | None = None,
        label: str | None = None,
        tls: Tls | None = None,
        channel_options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Opens a channel; the first call connects.

        Args:
            target: `host:port` of the server.
            model_name: what the server calls the model.
            timeout: seconds that a call may take, its retries included.
            version: the version to ask; None is the newest.
            label: of the version to ask, in place of its number.
            tls: what to encrypt with; None is no encryption.
            channel_options: gRPC's, in addition to and before the client's own.

        Raises:
            ConfigError: if both a version and a label are given, one of these makes no sense, or a
                file cannot be read.
        """
        if version is not None and label is not None:
            raise ConfigError(
                "{version} and {label}: give one of them", {"version": version, "label": label}
            )
        self.target = as_text("target", target, ConfigError)
        self.timeout = as_number("timeout", timeout, 0, _LONGEST, ConfigError)
        self._tls = tls
        self._told: set[str] = set()
        self._model = model_pb2.ModelSpec(name=as_text("model_name", model_name, ConfigError))
        if label is not None:
            self._model.version_label = as_text("label", label, ConfigError)
        if version is not None:
            self._model.version.value = as_integer("version", version, 0, LARGEST, ConfigError)
        self._channel = self._open(
            tls.credentials() if tls else None,
            [*channel_options, *_OPTIONS, *proxy_options(target)],
        )
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def _open(self, credentials: grpc.ChannelCredentials | None, options: list) -> Any:
        """A channel, of the kind that the client waits with."""
        raise NotImplementedError

    def predict_request(self, call: Call) -> predict_pb2.PredictRequest:
        """The request of a call."""
        request = predict_pb2.PredictRequest(model_spec=self._model, inputs=call.inputs)
        request.model_spec.signature_name = call.signature_name
        if call.version:
            request.model_spec.version.value = call.version
        return request

    def read(self, call: Call[Answer], response: predict_pb2.PredictResponse) -> Answer:
        """What a call is answered; characters that the model does not know are logged, once."""
        answer = Response(response)
        unknown = dict.fromkeys("".join(answer.texts(contract.UNKNOWN_CHARACTERS)))
        if new := [character for character in unknown if character not in self._told]:
            shown = ", ".join(c if c.isprintable() else ascii(c) for c in new)
            _logger.warning(
                "Note: the model does not know %s: it read them as unknown characters", shown
            )
            self._told.update(new)
        return call.read(answer)

    def status_request(self) -> get_model_status_pb2.GetModelStatusRequest:
        """Asks how the model's versions stand."""
        return get_model_status_pb2.GetModelStatusRequest(model_spec=self._model)

    def metadata_request(self) -> get_model_metadata_pb2.GetModelMetadataRequest:
        """Asks for the model's signatures."""
        return get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._model, metadata_field=[SIGNATURE_DEF]
        )

    def failure(self, error: grpc.RpcError) -> ServingError:
        """What a failed call means and what to do about it, in one line."""
        return explain(error, self.target, self.model, self.timeout, bool(self._tls))

    @property
    def model(self) -> str:
        """Whom it asks, for messages: `model 'lyrics', version 3`."""
        choice = self._model.WhichOneof("version_choice")
        chosen = {
            None: "",
            "version": f", version {self._model.version.value}",
            "version_label": f", label '{self._model.version_label}'",
        }
        return f"model '{self._model.name}'{chosen[choice]}"
