"""What is imported, and when; each case in a process of its own."""

import subprocess
import sys

import pytest

SAME = (
    "from tensorflow_serving.apis import predict_pb2\n"
    "from tensorflow.core.framework import tensor_pb2\n"
    "from serving.protocol import protos\n"
    "assert protos.predict_pb2.PredictRequest is predict_pb2.PredictRequest\n"
    "assert type(tf.make_tensor_proto([1.5])) is protos.tensor_pb2.TensorProto\n"
    "request = predict_pb2.PredictRequest()\n"
    "request.inputs['a'].CopyFrom(tf.make_tensor_proto([1.5]))\n"
    "from serving.protocol.tensors import to_array\n"
    "assert to_array(request.inputs['a']) == [1.5]\n"
    "assert (tf.constant(1) + 1).numpy() == 2\n"
)


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.fast
@pytest.mark.parametrize("module", ["serving.client.blocking", "serving.client.aio"])
def test_a_client_is_there_in_a_second_and_brings_no_tensorflow(module):
    code = (
        "import sys, time\n"
        "start = time.process_time()\n"
        f"import {module}\n"
        "print(time.process_time() - start)\n"
        "assert 'tensorflow' not in sys.modules\n"
        "loaded = {name for name in sys.modules if name.startswith('tensorflow.')}\n"
        "assert not {name for name in loaded if 'python' in name}\n"
    )
    assert min(float(run(code)) for _ in range(3)) < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import serving.client.blocking\nimport tensorflow as tf\n",
        "import tensorflow as tf\nimport serving.client.blocking\n",
    ],
)
def test_tensorflow_may_come_before_or_after_and_has_the_same_messages(imports):
    run(imports + SAME)
