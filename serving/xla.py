"""Forbids XLA to compile in this process.

Source: TF Serving, model_servers/main.cc, which calls the same function of TensorFlow.
"""

import ctypes

from tensorflow.python import _pywrap_tensorflow_internal


def disable() -> None:
    """From now on what XLA has yet to compile fails with INTERNAL: "XLA compilation disabled"."""
    # tensorflow::DisableXlaCompilation(), of compiler/jit/flags.h; Python has no name for it.
    ctypes.CDLL(_pywrap_tensorflow_internal.__file__)._ZN10tensorflow21DisableXlaCompilationEv()
