"""The messages and stubs of TF Serving, imported without TensorFlow.

What tensorflow-serving-api generates needs `tensorflow.core.framework.tensor_pb2` and its like,
and Python does not import a module without running its parents: `tensorflow/__init__.py` is 3 s
and 0.5 GB. The messages themselves need nothing of it. So while they are imported an empty module
stands in for the parent, with the installed package's path and none of its code; afterwards it is
gone, and a later `import tensorflow` runs as ever and finds these very messages. Where TensorFlow
is there already nothing stands in for it.

Not public in TensorFlow 2.16 is where its messages lie, `tensorflow.core`: this file alone knows.
A tensorflow-serving-api that brings all that it imports would replace it. Messages of our own,
from copies of the .proto files, would make a second class of each, which the first refuses.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_PARENT = "tensorflow"


@contextmanager
def _empty_parent() -> Iterator[None]:
    """Lets modules of TensorFlow be imported without it."""
    spec = None if _PARENT in sys.modules else importlib.util.find_spec(_PARENT)
    if spec is None:
        yield
        return
    parent = ModuleType(_PARENT)
    parent.__path__ = list(spec.submodule_search_locations or [])
    sys.modules[_PARENT] = parent
    try:
        yield
    finally:
        del sys.modules[_PARENT]


with _empty_parent():
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
    from tensorflow.core.protobuf import error_codes_pb2, meta_graph_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
        model_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

# What fields of these messages hold, and no .proto declares.
SIGNATURE_DEF = "signature_def"  # the one field of metadata that there is
PLATFORM = "tensorflow"  # of a model: the one that is served

__all__ = [
    "PLATFORM",
    "SIGNATURE_DEF",
    "error_codes_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "meta_graph_pb2",
    "model_management_pb2",
    "model_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_service_pb2_grpc",
    "tensor_pb2",
    "tensor_shape_pb2",
    "types_pb2",
]
