"""How a model stands and what it takes, as the server tells it. No TensorFlow here."""

from collections.abc import Iterable
from typing import Any

from serving.protocol.answers import Metadata, Signature, VersionStatus
from serving.protocol.protos import (
    SIGNATURE_DEF,
    get_model_metadata_pb2,
    get_model_status_pb2,
)
from serving.protocol.tensors import dtype_name


def read_statuses(
    response: get_model_status_pb2.GetModelStatusResponse,
) -> list[VersionStatus]:
    """How each version stands."""
    return [
        VersionStatus(
            status.version,
            get_model_status_pb2.ModelVersionStatus.State.Name(status.state),
            status.status.error_message,
        )
        for status in response.model_version_status
    ]


def read_metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> Metadata:
    """The signatures, with the types of what they take and give."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata[SIGNATURE_DEF].Unpack(signatures)
    return Metadata(
        response.model_spec.version.value,
        {
            name: Signature(_types(signature.inputs), _types(signature.outputs))
            for name, signature in sorted(signatures.signature_def.items())
        },
    )


def available(statuses: Iterable[VersionStatus]) -> int | None:
    """The first version that answers, which is the newest; None if none does."""
    return next((s.version for s in statuses if s.state == "AVAILABLE"), None)


def _types(tensors: Any) -> dict[str, str]:
    return {name: dtype_name(info.dtype) for name, info in sorted(tensors.items())}
