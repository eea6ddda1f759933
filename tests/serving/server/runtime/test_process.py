"""What a process of its own is told about TensorFlow, whose settings hold for good."""

import subprocess
import sys

import pytest

from modules.errors import ConfigError
from serving.server.flags import ServerOptions

CODE = """
import tensorflow as tf
from serving.server.flags import ServerOptions
from serving.server.runtime.process import configure

configure(ServerOptions("pushed", **{options}))
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
    ("threads", "in_and_between", "allowed", "outcome"),
    [
        ({"intra_op": 1, "inter_op": 3}, "1 3", True, "42"),
        ({"session": 2}, "2 2", False, "XLA compilation disabled"),
    ],
)
def test_threads_and_xla(threads, in_and_between, allowed, outcome):
    options = {f"tensorflow_{name}_parallelism": number for name, number in threads.items()}
    options["xla_cpu_compilation_enabled"] = allowed
    command = [sys.executable, "-c", CODE.format(options=options)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    told, compiled = ran.stdout.split("\n", 1)
    assert told == in_and_between
    assert outcome in compiled


def test_threads_are_told_once():
    with pytest.raises(ConfigError, match=r"session_parallelism=1, .*: give the first, or the"):
        ServerOptions(
            "pushed",
            tensorflow_session_parallelism=1,
            tensorflow_intra_op_parallelism=1,
            tensorflow_inter_op_parallelism=1,
        )
