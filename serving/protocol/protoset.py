"""The gRPC services, described for clients that bring no protos of their own, such as grpcurl."""

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_health.v1 import health_pb2

from serving.protocol.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

_PACKAGE = "tensorflow.serving"
# What this project's models answer to. tensorflow-serving-api has the services' own files too, but
# with the protobuf that TFX needs they cannot be imported.
_SERVICES = {
    "PredictionService": {
        "Predict": (predict_pb2.PredictRequest, predict_pb2.PredictResponse),
        "GetModelMetadata": (
            get_model_metadata_pb2.GetModelMetadataRequest,
            get_model_metadata_pb2.GetModelMetadataResponse,
        ),
    },
    "ModelService": {
        "GetModelStatus": (
            get_model_status_pb2.GetModelStatusRequest,
            get_model_status_pb2.GetModelStatusResponse,
        ),
        "HandleReloadConfigRequest": (
            model_management_pb2.ReloadConfigRequest,
            model_management_pb2.ReloadConfigResponse,
        ),
    },
}


def protoset() -> bytes:
    """A serialised FileDescriptorSet of the services and all that they are made of."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        if file.name not in files:
            for imported in file.dependencies:
                add(imported)
            files[file.name] = file

    add(health_pb2.DESCRIPTOR)
    services = FileDescriptorProto(name="lyrics.proto", package=_PACKAGE, syntax="proto3")
    for name, methods in _SERVICES.items():
        service = services.service.add(name=name)
        for method, (request, response) in methods.items():
            add(request.DESCRIPTOR.file)
            add(response.DESCRIPTOR.file)
            service.method.add(
                name=method,
                input_type=request.DESCRIPTOR.full_name,
                output_type=response.DESCRIPTOR.full_name,
            )
    services.dependency.extend(files)
    described = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(described.file.add())
    described.file.append(services)
    return described.SerializeToString()
