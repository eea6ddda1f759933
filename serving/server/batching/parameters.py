"""How requests are batched: TF Serving's BatchingParameters. No TensorFlow here."""

import os
from dataclasses import dataclass
from typing import Any

from modules.errors import ConfigError
from serving.server.text_protos import BatchingParameters, read_text_proto


@dataclass(frozen=True)
class BatchingOptions:
    """The parameters by their names, with TF Serving's defaults.

    `pad_variable_length_inputs` may be set, but does nothing: inputs of different lengths are not
    put together. So may `thread_pool_name`.

    Source: TF Serving, servables/tensorflow/session_bundle_config.proto and
    tensorflow/core/kernels/batching_util/shared_batch_scheduler.h.

    Attributes:
        max_batch_size: rows that run together at most, and that a request may have.
        batch_timeout_micros: how long the first request of a batch waits for more,
            in microseconds, when a thread is free.
        max_enqueued_batches: batches that wait, for each signature, before requests are refused.
        num_batch_threads: batches that run at a time, of all models.
        allowed_batch_sizes: rows of a batch are filled up to the next of these.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is too small: give 1 or more")
        if self.batch_timeout_micros < 0:
            raise ConfigError(
                f"batch_timeout_micros={self.batch_timeout_micros} is negative: 0 does not wait"
            )
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted({*sizes}) or sizes[-1] != self.max_batch_size):
            raise ConfigError(
                f"allowed_batch_sizes={list(sizes)} must rise, and end with "
                f"max_batch_size={self.max_batch_size}: change one of the two"
            )

    def padded(self, size: int) -> int:
        """Rows that run where so many were asked for."""
        return next((allowed for allowed in self.allowed_batch_sizes if allowed >= size), size)

    @classmethod
    def read(cls, path: str) -> "BatchingOptions":
        """Reads a `--batching_parameters_file`; no path gives the defaults.

        Raises:
            ConfigError: if the file is none, or makes no sense.
        """
        if not path:
            return cls()
        parameters = read_text_proto("batching_parameters_file", path, BatchingParameters())
        given: dict[str, Any] = {
            name: getattr(parameters, name).value
            for name in (
                "max_batch_size",
                "batch_timeout_micros",
                "max_enqueued_batches",
                "num_batch_threads",
            )
            if parameters.HasField(name)
        }
        return cls(**given, allowed_batch_sizes=tuple(parameters.allowed_batch_sizes))
