"""What a process of its own is told about TensorFlow, whose settings hold for good."""

import subprocess
import sys

import pytest

CODE = """
import tensorflow as tf
from serving.server.flags import ServerOptions
from serving.server.runtime.process import configure

configure(ServerOptions("pushed", xla_cpu_compilation_enabled={allowed},
          tensorflow_intra_op_parallelism=1, tensorflow_inter_op_parallelism=3))
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    config = session._config
    print(config.intra_op_parallelism_threads, config.inter_op_parallelism_threads)
    number = tf.compat.v1.placeholder(tf.int32, [])
    double = tf.function(lambda x: x + x, jit_compile=True)(number)
    try:
        print(session.run(double, {{number: 21}}))
    except tf.errors.InternalError as error:
        print(error.message)
"""


@pytest.mark.parametrize(
    ("allowed", "outcome"), [(True, "42"), (False, "XLA compilation disabled")]
)
def test_threads_and_xla(allowed, outcome):
    command = [sys.executable, "-c", CODE.format(allowed=allowed)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    threads, compiled = ran.stdout.split("\n", 1)
    assert threads == "1 3"
    assert outcome in compiled
