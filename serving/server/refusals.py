"""The errors that become the status of an answer: codes and sentences are TF Serving's.

TensorFlow's codes and gRPC's are the same numbers.
"""

import grpc
import tensorflow as tf

_GRPC_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

# Source: `ToHTTPStatusCode` in TF Serving, model_servers/http_server.cc.
HTTP_STATUSES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}


def invalid_argument(message: str) -> tf.errors.InvalidArgumentError:
    """The error for a request that makes no sense."""
    return tf.errors.InvalidArgumentError(None, None, message)


def failed_precondition(message: str) -> tf.errors.FailedPreconditionError:
    """The error for a request that makes sense, but not to this server or model."""
    return tf.errors.FailedPreconditionError(None, None, message)


def not_found(message: str) -> tf.errors.NotFoundError:
    """The error for something that is not there."""
    return tf.errors.NotFoundError(None, None, message)


def servable_not_found(name: str, version: int | None) -> tf.errors.NotFoundError:
    """The error for a model, or a version of it, that is not served.

    Source: TF Serving, core/basic_manager.cc and core/manager.h.
    """
    wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return not_found(f"Servable not found for request: {wanted}")


def status_code(error: tf.errors.OpError) -> grpc.StatusCode:
    """The code of an answer that this error ends."""
    return _GRPC_CODES[error.error_code]
