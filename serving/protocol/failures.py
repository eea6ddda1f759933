"""What a failed call means to whom it failed, and what to do about it. No TensorFlow here."""

import re

import grpc

from modules.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelNotFound,
    ServerOverloaded,
    ServerUnavailable,
    ServingError,
    WrongModel,
)

_NODES = re.compile(r"\s*\[\[.*?\]\]")  # the graph's nodes, which TensorFlow adds to a sentence
_ASSERTION = re.compile(r"assertion failed: \[(.*?)\]\s*", re.DOTALL)  # and what it wraps it in
# Who has a signature, but not with these inputs or outputs.
_OTHER_SIGNATURE = re.compile(
    r"input size does not match signature|(in|out)put tensor alias not found in signature"
)
_NO_LABEL = "Unrecognized servable version label"
_EXPLANATIONS: dict[grpc.StatusCode, tuple[type[ServingError], str]] = {
    grpc.StatusCode.UNAVAILABLE: (
        ServerUnavailable,
        "the server at {target} cannot be reached ({sentence}): check the address, whether it "
        "wants TLS, and its certificates",
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        ServerOverloaded,
        "the server at {target} has no room for the request ({sentence}): ask again later, or "
        "for less",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        DeadlineExceeded,
        "the server at {target} did not answer within {timeout:g} s: "
        "ask for less, or give a longer timeout",
    ),
    grpc.StatusCode.NOT_FOUND: (
        ModelNotFound,
        "the server at {target} does not serve {model} ({sentence}): "
        "give the name and version that it serves, or push a model",
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (
        WrongModel,
        "{model} at {target} cannot do this ({sentence}): serve one that this pipeline has pushed "
        "lately, trained with --task fill to `fill`, with --task language to `generate`",
    ),
    grpc.StatusCode.INVALID_ARGUMENT: (
        InvalidRequest,
        "the server at {target} refused the request: {sentence}",
    ),
}
_NOBODY = (
    ServerUnavailable,
    "no server answers at {target}: start one with `lyrics serve`, or give another's host:port",
)
_OTHER = (ServingError, "the server at {target} failed with {code} ({sentence}): see its log")


def explain(
    error: grpc.RpcError, target: str, model: str, timeout: float, encrypted: bool
) -> ServingError:
    """The error of this project that stands for gRPC's, in one line.

    Args:
        error: what a call raised.
        target: `host:port` of the server.
        model: which was asked, such as `model 'lyrics'`.
        timeout: seconds that the call had.
        encrypted: whether by TLS.
    """
    code, details = error.code(), error.details() or ""
    sentence = _ASSERTION.sub(r"\1", _NODES.sub("", details))
    kind, explanation = _EXPLANATIONS.get(code, _OTHER)
    # Of several addresses gRPC names one; by TLS another may have been refused for its sake.
    if code == grpc.StatusCode.UNAVAILABLE and "refused" in sentence and not encrypted:
        kind, explanation = _NOBODY
    if code == grpc.StatusCode.INVALID_ARGUMENT and sentence.startswith(_NO_LABEL):
        kind, explanation = _EXPLANATIONS[grpc.StatusCode.NOT_FOUND]
    if code == grpc.StatusCode.INVALID_ARGUMENT and _OTHER_SIGNATURE.match(sentence):
        kind, explanation = _EXPLANATIONS[grpc.StatusCode.FAILED_PRECONDITION]
    return kind(
        explanation.format(
            target=target,
            model=model,
            timeout=timeout,
            code=code.name,
            sentence=" ".join(sentence.split()).rstrip("."),
        )
    )
