"""What TF Serving refuses over REST, and how: with the file of its source that says so."""

MODEL = "/v1/models/lyrics"
SCORE = {"signature_name": "score"}
GENERATE = {"prefix": "ab", "num_chars": 2, "temperature": 0, "top_k": 0, "seed": 0}

HANDLER = "model_servers/http_rest_api_handler.cc"
JSON = "util/json_tensor.cc"
CORE = "model_servers/server_core.cc"
MANAGER = "core/basic_manager.cc"
STATUS = "model_servers/get_model_status_impl.cc"
CLASSIFIER = "servables/tensorflow/classifier.cc"
REGRESSOR = "servables/tensorflow/regressor.cc"
EVHTTP = "util/net_http/server/internal/evhttp_request.cc"
GRAPH = "tensorflow/core/framework/function.cc"

BAD_REST_REQUESTS = [
    # method, path, body; HTTP status, sentence, source. The sentence may go on after a `…`.
    ("GET", "/v1/models", None, 400, "Missing model name in request.", HANDLER),
    ("GET", "/v1/models/metadata/metadata", None, 404,
     "Servable not found for request: Latest(metadata)", MANAGER),
    ("GET", "/v1/models/none", None, 404,
     "Could not find any versions of model none", STATUS),
    ("GET", f"{MODEL}/versions/4", None, 404,
     "Could not find version 4 of model lyrics", STATUS),
    ("GET", f"{MODEL}/versions/4/metadata", None, 404,
     "Servable not found for request: Specific(lyrics, 4)", MANAGER),
    ("GET", f"{MODEL}/labels/canary/metadata", None, 400,
     "Unrecognized servable version label: canary", CORE),
    ("GET", f"{MODEL}/versions/one", None, 400,
     f"Malformed request: GET {MODEL}/versions/one", HANDLER),
    ("GET", f"{MODEL}:predict", None, 400, f"Malformed request: GET {MODEL}:predict", HANDLER),
    ("GET", f"{MODEL}/", None, 400, f"Malformed request: GET {MODEL}/", HANDLER),
    ("POST", MODEL, {}, 400, f"Malformed request: POST {MODEL}", HANDLER),
    ("POST", f"{MODEL}:PREDICT", {}, 400, f"Malformed request: POST {MODEL}:PREDICT", HANDLER),
    ("POST", f"{MODEL}:explain", {}, 400, f"Malformed request: POST {MODEL}:explain", HANDLER),
    ("PUT", f"{MODEL}:predict", {}, 400, f"Malformed request: PUT {MODEL}:predict", HANDLER),
    ("DELETE", MODEL, None, 400, f"Malformed request: DELETE {MODEL}", HANDLER),
    ("POST", f"{MODEL}:predict", b"", 400, "JSON Parse error: The document is empty", JSON),
    ("POST", f"{MODEL}:predict", b"{", 400,
     "JSON Parse error: Missing a name for object member. at offset: 1", JSON),
    ("POST", f"{MODEL}:predict", b'{"inputs": 1' + b"0" * 400 + b"}", 400,
     "JSON Parse error: Number too big to be stored in double. at offset: 11", JSON),
    ("POST", f"{MODEL}:predict", b'{"inputs": 1' + b"0" * 5000 + b"}", 400,
     "JSON Parse error: Number too big to be stored in double. at offset: 11", JSON),
    ("POST", f"{MODEL}:predict", [1], 400, "JSON Value: [\n    1\n] Is not object", JSON),
    ("POST", "/v1/models/none:predict", {"inputs": 1}, 404,
     "Servable not found for request: Latest(none)", MANAGER),
    ("POST", f"{MODEL}/versions/4:predict", {"inputs": 1}, 404,
     "Servable not found for request: Specific(lyrics, 4)", MANAGER),
    ("POST", f"{MODEL}/labels/canary:predict", {"inputs": 1}, 400,
     "Unrecognized servable version label: canary", CORE),
    ("POST", f"{MODEL}?x:predict", {"inputs": 1}, 404,
     "Servable not found for request: Latest(lyrics?x)",
     EVHTTP),
    ("POST", f"{MODEL}:predict", {"inputs": ["a"]}, 400,
     'Serving signature name: "serving_default" not found in signature def', HANDLER),
    ("POST", f"{MODEL}:predict", {"inputs": ["a"], "signature_name": "no"}, 400,
     'Serving signature name: "no" not found in signature def', HANDLER),
    ("POST", f"{MODEL}:predict", {"inputs": ["a"], "signature_name": 1}, 400,
     'JSON Value: {\n    "inputs": [\n        "a"\n    ],\n    "signature_name": 1\n} '
     "not formatted correctly. 'signature_name' key must be a string value.", JSON),
    ("POST", f"{MODEL}:predict", SCORE, 400, "Missing 'inputs' or 'instances' key", JSON),
    ("POST", f"{MODEL}:predict", {**SCORE, "inputs": [1]}, 400,
     "JSON Value: 1 Type: Number is not of expected type: string", JSON),
    ("POST", f"{MODEL}:predict", {**SCORE, "inputs": [["a"], ["b", "c"]]}, 400,
     "Encountered list at unexpected size: 2 at level: 1 expected size: 1", JSON),
    ("POST", f"{MODEL}:predict",
     {"signature_name": "generate", "instances": [{**GENERATE, "prefix": ""}]}, 400,
     "assertion failed: [prefix is empty: give one character or more]…", GRAPH),
    ("POST", f"{MODEL}:classify", {}, 400,
     "JSON Value: {} When method is classify, key 'examples' is expected and was not found", JSON),
    ("POST", f"{MODEL}:regress", {"examples": []}, 400,
     'JSON Value: {\n    "examples": []\n} \'examples\' value is an empty array', JSON),
    ("POST", f"{MODEL}:classify", {"examples": [{"x": 1}]}, 400,
     "No signature was found with the name: serving_default",
     CLASSIFIER),
    ("POST", f"{MODEL}:regress", {**SCORE, "examples": [{"x": 1}]}, 400,
     "Expected one output Tensor.", REGRESSOR),
    ("POST", "/v1/models/none:classify", {"examples": [{"x": 1}]}, 404,
     "Servable not found for request: Latest(none)", MANAGER),
]  # fmt: skip
