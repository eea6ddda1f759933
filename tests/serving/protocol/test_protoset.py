import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from serving.protocol.protoset import protoset

# What the README sends: 分开, in base64.
REQUEST = """{
    "model_spec": {"name": "lyrics", "signature_name": "generate"},
    "inputs": {
        "prefix": {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": 1}]},
                   "string_val": ["5YiG5byA"]}
    }
}"""


def test_who_knows_nothing_else_can_ask(lyrics_target):
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(protoset()).file:
        pool.Add(file)
    method = pool.FindMethodByName("tensorflow.serving.PredictionService.Predict")
    request_class, response_class = map(
        message_factory.GetMessageClass, (method.input_type, method.output_type)
    )
    with grpc.insecure_channel(lyrics_target) as channel:
        predict = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_class.SerializeToString,
            response_class.FromString,
        )
        request = json_format.Parse(REQUEST, request_class(), descriptor_pool=pool)
        response = predict(request, timeout=20, wait_for_ready=True)
    (text,) = response.outputs["text"].string_val
    assert text.decode().startswith("分开")
    assert pool.FindMethodByName("grpc.health.v1.Health.Check")
