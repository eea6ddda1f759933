"""The configuration files of TF Serving: messages in the text format of protocol buffers.

TF Serving's Python package lacks the messages declared here; their fields are the ones of
tensorflow_serving/config/ssl_config.proto, config/monitoring_config.proto and
servables/tensorflow/session_bundle_config.proto.
"""

from typing import Any, TypeVar

from google.protobuf import message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message

from modules.errors import ConfigError
from serving.protocol import text_files

_Message = TypeVar("_Message", bound=Message)

_PACKAGE = "tensorflow.serving"
_INT64_VALUE = ".google.protobuf.Int64Value"
_MESSAGES = {
    "SSLConfig": {
        "server_key": "string",
        "server_cert": "string",
        "custom_ca": "string",
        "client_verify": "bool",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": f".{_PACKAGE}.PrometheusConfig"},
    "BatchingParameters": {
        "max_batch_size": _INT64_VALUE,
        "batch_timeout_micros": _INT64_VALUE,
        "max_enqueued_batches": _INT64_VALUE,
        "num_batch_threads": _INT64_VALUE,
        "thread_pool_name": ".google.protobuf.StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
    },
}


def _field(number: int, name: str, kind: str) -> FieldDescriptorProto:
    *repeated, kind = kind.split()
    field = FieldDescriptorProto(name=name, number=number)
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    if kind.startswith("."):
        field.type, field.type_name = field.TYPE_MESSAGE, kind
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    return field


def _classes() -> dict[str, Any]:
    wrappers = FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    file = FileDescriptorProto(name="configs.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.append(wrappers.name)
    for name, kinds in _MESSAGES.items():
        fields = [_field(number, *field) for number, field in enumerate(kinds.items(), 1)]
        file.message_type.append(DescriptorProto(name=name, field=fields))
    return message_factory.GetMessages([wrappers, file])


_CLASSES = _classes()
SSLConfig = _CLASSES[f"{_PACKAGE}.SSLConfig"]
MonitoringConfig = _CLASSES[f"{_PACKAGE}.MonitoringConfig"]
BatchingParameters = _CLASSES[f"{_PACKAGE}.BatchingParameters"]


def read_text_proto(flag: str, path: str, message: _Message) -> _Message:
    """Fills a message from a file.

    Args:
        flag: what the user calls the file.
        path: the file.
        message: an empty message, which is filled.

    Returns:
        The same message.

    Raises:
        ConfigError: if there is no such file, or something else is in it.
    """
    kind = type(message).__name__
    try:
        return text_format.Parse(text_files.read(path), message)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{{{flag}}} cannot be read ({{error}}): give a file with {kind} in text format",
            {flag: path},
            error=error,
        ) from error
    except text_format.ParseError as error:
        raise ConfigError(
            f"{{{flag}}} is not {kind} in text format ({{error}}): mend that line",
            {flag: path},
            error=error,
        ) from error
