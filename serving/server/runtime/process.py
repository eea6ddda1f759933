"""What TensorFlow may do in this process.

Not public in TensorFlow 2.16: `_pywrap_tensorflow_internal`, whose file is the library itself, and
in it DisableXlaCompilation of compiler/jit/flags.h, by the name that its C++ compiler gave it. A
setting in `tf.config` would replace both; there is none that forbids `jit_compile=True`.

Source: TF Serving, model_servers/main.cc and model_servers/server.cc.
"""

import ctypes
import gc

import tensorflow as tf
from tensorflow.python import _pywrap_tensorflow_internal

from serving.server.flags import ServerOptions


def configure(options: ServerOptions) -> None:
    """Sets how many threads compute, whether XLA may compile, and what is never garbage.

    To be called before anything is computed, and after all is imported.

    Where it may not, what is to be compiled fails with INTERNAL: "XLA compilation disabled".
    """
    intra = options.tensorflow_intra_op_parallelism
    inter = options.tensorflow_inter_op_parallelism
    if not intra and not inter:
        intra = inter = options.tensorflow_session_parallelism
    tf.config.threading.set_intra_op_parallelism_threads(intra)
    tf.config.threading.set_inter_op_parallelism_threads(inter)
    if not options.xla_cpu_compilation_enabled:
        ctypes.CDLL(_pywrap_tensorflow_internal.__file__)._ZN10tensorflow21DisableXlaCompilationEv()
    # Else each collection, as when a version goes, visits what was imported: 0.3 s and more, in
    # which no request is answered.
    gc.freeze()
