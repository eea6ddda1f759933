"""What TF Serving refuses, and how: one row for each kind of bad request, with its source.

A message that ends in `…` is the beginning of the one that is expected.
"""

from dataclasses import dataclass

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

GENERATE = {
    "prefix": (["ab", "c"], tf.string),
    "num_chars": ([2, 0], tf.int32),
    "temperature": ([0.0, 0.0], tf.float32),
    "top_k": ([0, 0], tf.int32),
    "seed": ([0, 0], tf.int64),
}
LABELS = {"stable": 1, "gone": 9}  # of the served model, whose one version is 1
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"

CORE = "model_servers/server_core.cc"
MANAGER = "core/basic_manager.cc"
PREDICT = "servables/tensorflow/predict_util.cc"
INPUTS = "tensorflow/cc/saved_model/util.cc"
GRAPH = "tensorflow/core/framework/function.cc"
STATUS = "model_servers/get_model_status_impl.cc"
METADATA = "servables/tensorflow/get_model_metadata_impl.cc"
CLASSIFIER = "servables/tensorflow/classifier.cc"
REGRESSOR = "servables/tensorflow/regressor.cc"
MULTI = "servables/tensorflow/multi_inference.cc"
RELOAD = "model_servers/model_service_impl.cc"


@dataclass(frozen=True)
class BadRequest:
    """A request, and what TF Serving answers."""

    what: str
    method: str
    request: Message
    code: str
    message: str
    source: str
    own_words: bool = False  # TF Serving's sentence is another one, or there is none


def spec(name="lyrics", signature_name="", **version) -> model_pb2.ModelSpec:
    result = model_pb2.ModelSpec(name=name, signature_name=signature_name)
    if "version" in version:
        result.version.value = version["version"]
    if "label" in version:
        result.version_label = version["label"]
    return result


def predict(inputs=None, output_filter=(), **fields) -> predict_pb2.PredictRequest:
    """A request to `score`, unless it says otherwise."""
    fields.setdefault("signature_name", "score")
    request = predict_pb2.PredictRequest(model_spec=spec(**fields), output_filter=output_filter)
    for alias, value in ({"text": (["abc"], tf.string)} if inputs is None else inputs).items():
        proto = value if isinstance(value, Message) else tf.make_tensor_proto(*value)
        request.inputs[alias].CopyFrom(proto)
    return request


def generate(**inputs) -> predict_pb2.PredictRequest:
    return predict(GENERATE | inputs, signature_name="generate")


def tensor(text: str) -> Message:
    return text_format.Parse(text, tensor_pb2.TensorProto())


def metadata(*fields, **version) -> get_model_metadata_pb2.GetModelMetadataRequest:
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec(**version), metadata_field=fields
    )


def status(**fields) -> get_model_status_pb2.GetModelStatusRequest:
    return get_model_status_pb2.GetModelStatusRequest(model_spec=spec(**fields))


def classify(**fields) -> classification_pb2.ClassificationRequest:
    return classification_pb2.ClassificationRequest(model_spec=spec(**fields))


def regress(**fields) -> regression_pb2.RegressionRequest:
    return regression_pb2.RegressionRequest(model_spec=spec(**fields))


def infer(*tasks: tuple[model_pb2.ModelSpec, str]) -> inference_pb2.MultiInferenceRequest:
    return inference_pb2.MultiInferenceRequest(
        tasks=[
            inference_pb2.InferenceTask(model_spec=spec, method_name=method)
            for spec, method in tasks
        ]
    )


def reload(*models: dict, **labels) -> model_management_pb2.ReloadConfigRequest:
    """A list with the model that is served, with these labels besides its own, and others."""
    request = model_management_pb2.ReloadConfigRequest()
    listed = request.config.model_config_list.config
    served = dict(name="lyrics", base_path="/lyrics", model_platform="tensorflow")
    for model in ({"version_labels": LABELS | labels}, *models):
        listed.add(**{**served, **model})
    return request


def case(method, what, request, code, message, source, own_words=False) -> BadRequest:
    return BadRequest(what, method, request, code, message, source, own_words)


_NO_SPEC = "Missing ModelSpec"
_CUSTOM = model_management_pb2.ReloadConfigRequest()
_CUSTOM.config.custom_model_config.SetInParent()

BAD_REQUESTS = [
    # Which model
    *(
        case(method, "no spec", request, "INVALID_ARGUMENT", _NO_SPEC, source)
        for method, request, source in [
            ("Predict", predict_pb2.PredictRequest(), "servables/tensorflow/predict_impl.cc"),
            ("GetModelMetadata", get_model_metadata_pb2.GetModelMetadataRequest(), METADATA),
            ("GetModelStatus", get_model_status_pb2.GetModelStatusRequest(), STATUS),
            (
                "Classify",
                classification_pb2.ClassificationRequest(),
                "servables/tensorflow/classification_service.cc",
            ),
            (
                "Regress",
                regression_pb2.RegressionRequest(),
                "servables/tensorflow/regression_service.cc",
            ),
        ]
    ),
    *(
        case(method, what, request(**fields), code, message, source)
        for method, request in [
            ("Predict", predict),
            ("GetModelMetadata", lambda **fields: metadata("signature_def", **fields)),
            ("Classify", classify),
            ("Regress", regress),
            ("MultiInference", lambda **fields: infer((spec(**fields), CLASSIFY))),
        ]
        for what, fields, code, message, source in [
            ("no name", {"name": ""}, "INVALID_ARGUMENT", "ModelSpec has no name specified.", CORE),
            (
                "no such model",
                {"name": "poems"},
                "NOT_FOUND",
                "Servable not found for request: Latest(poems)",
                MANAGER,
            ),
            (
                "no such version",
                {"version": 5},
                "NOT_FOUND",
                "Servable not found for request: Specific(lyrics, 5)",
                MANAGER,
            ),
            (
                "no such version of no such model",
                {"name": "poems", "version": 0},
                "NOT_FOUND",
                "Servable not found for request: Specific(poems, 0)",
                MANAGER,
            ),
            (
                "no such label",
                {"label": "canary"},
                "INVALID_ARGUMENT",
                "Unrecognized servable version label: canary",
                CORE,
            ),
            (
                "empty label",
                {"label": ""},
                "INVALID_ARGUMENT",
                "Unrecognized servable version label: ",
                CORE,
            ),
            (
                "a label of a version that is not there",
                {"label": "gone"},
                "NOT_FOUND",
                "Servable not found for request: Specific(lyrics, 9)",
                MANAGER,
            ),
        ]
    ),
    # Predict
    case(
        "Predict",
        "no signature named, and none that is meant then",
        predict(signature_name=""),
        "FAILED_PRECONDITION",
        'Serving signature key "serving_default" not found.',
        PREDICT,
    ),
    case(
        "Predict",
        "no such signature",
        predict(signature_name="歌"),
        "FAILED_PRECONDITION",
        'Serving signature key "歌" not found.',
        PREDICT,
    ),
    case(
        "Predict",
        "a long message is cut",
        predict(signature_name="x" * 2000),
        "FAILED_PRECONDITION",
        'Serving signature key "' + "x" * 1001 + "...TRUNCATED",
        "model_servers/grpc_status_util.cc",
    ),
    case(
        "Predict",
        "no input",
        predict({}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 0!=1 len({}) != len({text}). "
        "Sent extra: {}. Missing but required: {text}.",
        PREDICT,
    ),
    case(
        "Predict",
        "an input too many",
        predict({"text": (["a"], tf.string), "b": ([1], tf.int32)}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=1 len({b,text}) != len({text}). "
        "Sent extra: {b}. Missing but required: {}.",
        PREDICT,
    ),
    case(
        "Predict",
        "another input",
        predict({"txt": (["a"], tf.string)}),
        "INVALID_ARGUMENT",
        "Signature input alias: text(feed name: score_text:0) not found in request and no default "
        "value provided. Inputs expected to be in the request {txt}, or default input alias set: ",
        INPUTS,
    ),
    case(
        "Predict",
        "an input without a default is left out",
        predict({}, signature_name="generate_with_defaults"),
        "INVALID_ARGUMENT",
        "Signature input alias: prefix(feed name: generate_prefix:0) not found in request and no "
        "default value provided. Inputs expected to be in the request {}, "
        "or default input alias set: num_chars,seed,temperature,top_k",
        INPUTS,
    ),
    case(
        "Predict",
        "an unknown input beside defaults",
        predict(
            {"prefix": (["a"], tf.string), "b": ([1], tf.int32)},
            signature_name="generate_with_defaults",
        ),
        "INVALID_ARGUMENT",
        "Inputs contains invalid name. Used request inputs: prefix, request input: b,prefix",
        INPUTS,
    ),
    case(
        "Predict",
        "another dtype",
        generate(temperature=([0, 0], tf.float64)),
        "INVALID_ARGUMENT",
        "Expects arg[3] to be float but double is provided",
        GRAPH,
    ),
    case(
        "Predict",
        "text where a number is wanted",
        generate(num_chars=(["2", "0"], tf.string)),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be int32 but string is provided",
        GRAPH,
    ),
    *(
        case(
            "Predict",
            what,
            predict({"text": tensor(text)}),
            "INVALID_ARGUMENT",
            "tensor parsing error: text",
            INPUTS,
        )
        for what, text in [
            ("no dtype", 'tensor_shape { dim { size: 1 } } string_val: "a"'),
            ("no dtype of TensorFlow", "dtype: 77 tensor_shape { dim { size: 1 } }"),
            ("a negative size", "dtype: DT_STRING tensor_shape { dim { size: -1 } }"),
            ("an unknown rank", "dtype: DT_STRING tensor_shape { unknown_rank: true }"),
            (
                "content of another size",
                'dtype: DT_FLOAT tensor_shape { dim { size: 1 } } tensor_content: "abc"',
            ),
        ]
    ),
    case(
        "Predict",
        "more elements than memory",
        predict({"text": tensor("dtype: DT_STRING tensor_shape { dim { size: 1000000000000 } }")}),
        "INVALID_ARGUMENT",
        "tensor parsing error: text",
        "tensorflow/core/framework/tensor.cc",
        own_words=True,
    ),
    case(
        "Predict",
        "another rank",
        predict({"text": ([["a"], ["b"]], tf.string)}),
        "INVALID_ARGUMENT",
        "Expects input 'text' to have shape (None,) but (2, 1) is provided",
        "left to the graph",
        own_words=True,
    ),
    case(
        "Predict",
        "no such output",
        predict(output_filter=["bits"]),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: bits "
        "Outputs expected to be in the set {characters,nats,perplexity}.",
        PREDICT,
    ),
    case(
        "Predict",
        "an output twice",
        predict(output_filter=["nats", "nats"]),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: nats",
        PREDICT,
    ),
    case(
        "Predict",
        "the signature of an operation without outputs",
        predict({}, signature_name="__saved_model_init_op"),
        "INVALID_ARGUMENT",
        "FetchOutputs NoOp: output index too large, must be < 0",
        "tensorflow/core/graph/subgraph.cc",
        own_words=True,
    ),
    case(
        "Predict",
        "what the model refuses",
        generate(prefix=(["a", ""], tf.string)),
        "INVALID_ARGUMENT",
        "assertion failed: [prefix is empty: give one character or more]…",
        "tensorflow/core/kernels/logging_ops.cc",
    ),
    # GetModelMetadata
    case(
        "GetModelMetadata",
        "no field",
        metadata(),
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
        METADATA,
    ),
    case(
        "GetModelMetadata",
        "another field",
        metadata("signature_def", "assets"),
        "INVALID_ARGUMENT",
        "Metadata field assets is not supported",
        METADATA,
    ),
    # GetModelStatus
    *(
        case("GetModelStatus", what, status(**fields), "NOT_FOUND", message, STATUS)
        for what, fields, message in [
            ("no name", {"name": ""}, "Could not find any versions of model "),
            ("no such model", {"name": "poems"}, "Could not find any versions of model poems"),
            ("no such version", {"version": 5}, "Could not find version 5 of model lyrics"),
            (
                "a label is not looked at",
                {"name": "poems", "label": "canary"},
                "Could not find any versions of model poems",
            ),
        ]
    ),
    # Classify, Regress, MultiInference
    *(
        case(method, what, request(signature_name=name), "INVALID_ARGUMENT", message, source)
        for method, request, source, rows in [
            (
                "Classify",
                classify,
                CLASSIFIER,
                [
                    ("", "No signature was found with the name: serving_default"),
                    ("generate", "Expected one input Tensor."),
                    ("score", "Expected one or two output Tensors, found 3"),
                    ("one_output", "No classification inputs found in SignatureDef: …"),
                ],
            ),
            (
                "Regress",
                regress,
                REGRESSOR,
                [
                    ("", "No signature was found with the name: serving_default"),
                    ("generate", "Expected one input Tensor."),
                    ("score", "Expected one output Tensor."),
                    ("one_output", "No regression inputs found in SignatureDef: …"),
                ],
            ),
        ]
        for name, message in rows
        for what in [f"signature {name or 'not named'}"]
    ),
    *(
        case("MultiInference", what, infer(*tasks), code, message, source)
        for what, tasks, code, message, source in [
            ("no task", [], "INVALID_ARGUMENT", "ModelSpec has no name specified.", CORE),
            (
                "no such signature",
                [(spec(), CLASSIFY)],
                "INVALID_ARGUMENT",
                "Requested signature not found in model graph: serving_default",
                MULTI,
            ),
            (
                "another method",
                [(spec(signature_name="score"), "tensorflow/serving/predict")],
                "UNIMPLEMENTED",
                "Unsupported signature method_name: tensorflow/serving/predict",
                MULTI,
            ),
            (
                "a signature for Predict",
                [(spec(signature_name="score"), REGRESS)],
                "INVALID_ARGUMENT",
                "Expected one output Tensor.",
                MULTI,
            ),
            (
                "a signature with other inputs",
                [(spec(signature_name="one_output"), CLASSIFY)],
                "INVALID_ARGUMENT",
                "No classification inputs found in SignatureDef: …",
                MULTI,
            ),
        ]
    ),
    # HandleReloadConfigRequest
    *(
        case(
            "HandleReloadConfigRequest",
            what,
            request,
            "INVALID_ARGUMENT",
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported",
            RELOAD,
        )
        for what, request in [
            ("no config", model_management_pb2.ReloadConfigRequest()),
            ("custom config", _CUSTOM),
        ]
    ),
    *(
        case("HandleReloadConfigRequest", what, request, code, message, CORE)
        for what, request, code, message in [
            (
                "a model twice",
                reload({"name": "lyrics"}),
                "INVALID_ARGUMENT",
                "Illegal to list model lyrics multiple times in config list",
            ),
            (
                "a relative path",
                reload({"name": "poems", "base_path": "poems"}),
                "INVALID_ARGUMENT",
                "Expected model poems to have an absolute path or URI; got base_path()=poems",
            ),
            (
                "a label moves to a version that is not available",
                reload(gone=8),
                "FAILED_PRECONDITION",
                "Request to assign label to version 8 of model lyrics, "
                "which is not currently available for inference",
            ),
            (
                "no platform",
                reload({"name": "poems", "model_platform": ""}),
                "INVALID_ARGUMENT",
                "Illegal setting neither ModelServerConfig::model_type (deprecated) "
                "nor ModelServerConfig::model_platform, model name is poems",
            ),
            (
                "two platforms",
                reload({"name": "poems", "model_type": "TENSORFLOW"}),
                "INVALID_ARGUMENT",
                "Illegal setting both ModelServerConfig::model_type (deprecated) "
                "and ModelServerConfig::model_platform, model name is poems",
            ),
            (
                "another platform",
                reload({"name": "poems", "model_platform": "caffe"}),
                "INVALID_ARGUMENT",
                "Model poems requests unsupported platform caffe",
            ),
        ]
    ),
]
