"""The flags of tensorflow_model_server that mean nothing to the local server. No TensorFlow here.

Source: TF Serving, model_servers/main.cc.
"""

import logging
from collections.abc import Container
from typing import Literal, NamedTuple

from modules.errors import ConfigError

_logger = logging.getLogger(__name__)


class OtherFlag(NamedTuple):
    """A flag that the local server knows, and does nothing about.

    Attributes:
        name: as TF Serving spells it.
        fate: "ignored" where nothing is amiss without it, else "refused".
        why: what the local server does instead.
    """

    name: str
    fate: Literal["ignored", "refused"]
    why: str

    @property
    def sentence(self) -> str:
        """What its user is told."""
        return f"--{self.name} is {self.fate}: the local server {self.why}"


OTHER_FLAGS = (
    OtherFlag("version", "refused", "has no version of its own"),
    OtherFlag("num_load_threads", "ignored", "loads one version at a time"),
    OtherFlag("num_unload_threads", "ignored", "unloads one version at a time"),
    OtherFlag("flush_filesystem_caches", "ignored", "caches no files"),
    OtherFlag("remove_unused_fields_from_bundle_metagraph", "ignored", "keeps signatures alone"),
    OtherFlag("enable_signature_method_name_check", "ignored", "classifies and regresses nothing"),
    OtherFlag("enable_grpc_healthcheck_service", "ignored", "always tells its health"),
    OtherFlag("enable_profiler", "ignored", "has no profiler"),
    OtherFlag("per_process_gpu_memory_fraction", "ignored", "leaves GPUs to TensorFlow"),
    OtherFlag("skip_initialize_tpu", "ignored", "uses no TPU"),
    OtherFlag("prefer_tflite_model", "refused", "runs no TensorFlow Lite"),
    OtherFlag("num_tflite_pools", "ignored", "runs no TensorFlow Lite"),
    OtherFlag("num_tflite_interpreters_per_pool", "ignored", "runs no TensorFlow Lite"),
    OtherFlag("saved_model_tags", "refused", "loads what has the tag `serve`"),
    OtherFlag("mixed_precision", "refused", "computes in a model's own precision"),
    OtherFlag("platform_config_file", "refused", "has one platform, tensorflow"),
    OtherFlag("tensorflow_session_config_file", "refused", "sets up nothing but threads"),
    OtherFlag("thread_pool_factory_config_file", "refused", "has TensorFlow's own threads"),
    OtherFlag("enable_per_model_batching_parameters", "refused", "batches all models alike"),
    OtherFlag("use_alts_credentials", "refused", "encrypts by --ssl_config_file alone"),
)


def heed(given: Container[str]) -> None:
    """Tells which of the given flags are ignored.

    Args:
        given: names of flags.

    Raises:
        ConfigError: if one is refused.
    """
    flags = [flag for flag in OTHER_FLAGS if flag.name in given]
    for flag in flags:
        if flag.fate == "refused":
            raise ConfigError(f"{flag.sentence}; leave it out, or install tensorflow_model_server")
    for flag in flags:
        _logger.warning("%s", flag.sentence)
