"""TF Serving's REST API, whatever carries its requests.

    POST /v1/models/NAME[/versions/N|/labels/L]:predict       also :classify, :regress
    GET  /v1/models/NAME[/versions/N|/labels/L]               how its versions stand
    GET  /v1/models/NAME[/versions/N|/labels/L]/metadata      its signatures

Source: TF Serving, model_servers/http_rest_api_handler.cc and http_rest_api_util.cc.
"""

import inspect
import logging
import re
from typing import Any
from urllib.parse import unquote

import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec

from modules.versions import LARGEST
from serving.server import inference
from serving.server.monitoring import Metrics
from serving.server.refusals import HTTP_STATUSES, invalid_argument, status_code
from serving.server.rest import json_answers, json_examples, json_requests
from serving.server.rest.json_document import parse
from serving.server.runtime.callers import PATIENT, Caller
from serving.server.runtime.loaded_model import signature_name
from serving.server.versions.served_models import Models

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_GET = rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<api>metadata))?"
_POST = rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<api>(?-i:predict|classify|regress))"
_PATHS = {
    method: re.compile(path, re.ASCII | re.IGNORECASE)
    for method, path in {"GET": _GET, "POST": _POST}.items()
}
_METHOD_NAMES = {"classify": inference.CLASSIFY, "regress": inference.REGRESS}
_WITH_DEFAULTS: dict[str, Any] = {  # the option has another name since protobuf 5.26
    name: True
    for name in inspect.signature(json_format.MessageToJson).parameters
    if name in ("including_default_value_fields", "always_print_fields_with_no_presence")
}
_logger = logging.getLogger(__name__)


class RestApi:
    """Answers REST requests, of the same models as gRPC; from several threads at once."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        """Answers from `models`.

        Args:
            models: what gRPC is answered from, too.
            metrics: counts the requests.
        """
        self._models = models
        self._metrics = metrics

    def answer(
        self, method: str, path: str, body: bytes, caller: Caller = PATIENT
    ) -> tuple[int, bytes]:
        """Answers one request.

        Args:
            method: `GET`, `POST` or another, which is refused.
            path: path and query, percent-encoded as they were sent.
            body: JSON, for a POST.
            caller: who waits for the answer.

        Returns:
            The HTTP status, and JSON.
        """
        found = _PATHS[method].fullmatch(path) if method in _PATHS else None
        name = unquote((found and found["name"]) or "")
        api = found["api"] if found and method == "POST" else ""
        try:
            with self._metrics.request(name, api, "REST"):
                if found is None:
                    raise invalid_argument(f"Malformed request: {method} {path}")
                spec = _model_spec(name, found["version"], found["label"])
                return 200, self._answer(spec, found["api"], body, caller)
        except tf.errors.OpError as error:
            status, message = HTTP_STATUSES[status_code(error)], error.message
        except RecursionError:
            status, message = 400, "JSON Parse error: nested too deep"
        except Exception:  # a mistake of ours, which must not end the connection
            _logger.exception("%s %s", method, path)
            status, message = 500, "the server made a mistake: its log says which"
        return status, json_answers.error(message)

    def _answer(self, spec: ModelSpec, api: str, body: bytes, caller: Caller) -> bytes:
        if api in ("predict", "classify", "regress"):
            document = parse(body)
            spec.signature_name = json_requests.requested_signature(document)
            if api == "predict":
                return self._predict(spec, document, caller)
            json_examples.check_examples(document)
            with self._models.use(spec) as model:
                inference.refuse(model.signatures, signature_name(spec), _METHOD_NAMES[api])
        if not spec.name:
            raise invalid_argument("Missing model name in request.")
        return self._metadata(spec) if api == "metadata" else self._status(spec)

    def _predict(self, spec: ModelSpec, document: json_requests.Document, caller: Caller) -> bytes:
        name = signature_name(spec)
        with self._models.use(spec) as model:
            if name not in model.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            in_rows = json_requests.in_rows(document)
            inputs = json_requests.tensors(document, model.signatures[name].inputs)
            with self._metrics.runtime(spec.name, "Predict"):
                outputs = model.predict(name, inputs, caller=caller)
        return json_answers.in_rows(outputs) if in_rows else json_answers.in_columns(outputs)

    def _status(self, spec: ModelSpec) -> bytes:
        statuses = self._models.statuses(spec)
        return _json(GetModelStatusResponse(model_version_status=statuses))

    def _metadata(self, spec: ModelSpec) -> bytes:
        with self._models.use(spec) as model:
            signatures = SignatureDefMap(signature_def=model.signatures)
            served = ModelSpec(name=spec.name)
            served.version.value = model.version
        # TF Serving, too, puts these together as text.
        return b'{\n"model_spec":%s,\n"metadata": {"signature_def": %s}\n}\n' % (
            _json(served),
            _json(signatures),
        )


def _model_spec(name: str, version: str | None, label: str | None) -> ModelSpec:
    """What a path asks for; TF Serving forgets to send the sentence of the error."""
    spec = ModelSpec(name=name)
    if version:
        spec.version.value = _number(version)
    if label:
        spec.version_label = unquote(label)
    return spec


def _number(version: str) -> int:
    digits = version.lstrip("0") or "0"
    if len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
        raise invalid_argument(f"Failed to convert version: {version} to numeric.")
    return int(digits)


def _json(message: Message) -> bytes:
    text = json_format.MessageToJson(
        message,
        preserving_proto_field_name=True,
        indent=1,
        ensure_ascii=False,
        **_WITH_DEFAULTS,
    )
    return text.encode() + b"\n"
