"""A new version comes while many callers ask: nobody notices but by the answers."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

REQUESTS, CALLERS = 1000, 8


@pytest.mark.parametrize("enable_batching", [False, True], ids=["alone", "batching"])
def test_no_request_of_a_thousand_fails(base_path, push, enable_batching):
    push(version=1, vocab_size=10)
    options = ServerOptions(
        str(base_path),
        port=0,
        file_system_poll_wait_seconds=0.05,
        enable_batching=enable_batching,
    )
    request = predict_pb2.PredictRequest()  # not by our client, which would try again
    request.model_spec.name, request.model_spec.signature_name = "lyrics", "score"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(["abc"]))
    with ModelServer(options) as server, grpc.insecure_channel(server.target) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict

        def ask(number: int) -> tuple[int, int]:
            if number == REQUESTS // 4:
                push(version=2, vocab_size=20)
            response = predict(request, timeout=20)
            perplexity = response.outputs["perplexity"].float_val[0]
            return response.model_spec.version.value, round(perplexity)

        with ThreadPoolExecutor(CALLERS) as pool:
            answers = []
            while len(answers) < REQUESTS or answers[-1] == (1, 10):
                numbers = range(len(answers), len(answers) + REQUESTS // 2)
                answers += pool.map(ask, numbers)
    assert set(answers) == {(1, 10), (2, 20)}
