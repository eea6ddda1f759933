"""The errors that become the status of an answer: codes and sentences are TF Serving's."""

import tensorflow as tf


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
