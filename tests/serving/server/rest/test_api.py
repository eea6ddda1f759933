"""The REST API over a socket: what any HTTP client of TF Serving sees."""

import concurrent.futures
import dataclasses
import gzip
import http.client
import json
import math
import shutil
import socket
import subprocess
import threading
import time
from typing import NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from modules.errors import ServingError
from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.launch import TENSORFLOW_MODEL_SERVER, tensorflow_model_server_command
from serving.server.monitoring import Metrics
from serving.server.rest.http_server import HttpServer
from serving.server.server import ModelServer

from .bad_rest_requests import BAD_REST_REQUESTS, GENERATE, MODEL, SCORE

KEYS = ["signature_name", "instances", "inputs", "examples", "text", "prefix", "b64", "seed"]
NAMES = [f"{method} {path} {body}" for method, path, body, *_ in BAD_REST_REQUESTS]


class Answer(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes


def ask(port, method, path, body=None) -> Answer:
    """Sends a request; a body that is no bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        is_bytes = body is None or isinstance(body, bytes)
        connection.request(method, path, body if is_bytes else json.dumps(body))
        response = connection.getresponse()
        return Answer(response.status, response.headers["Content-Type"], response.read())
    finally:
        connection.close()


def predict(port, body, path=MODEL):
    """The answer to a request that succeeds."""
    answer = ask(port, "POST", f"{path}:predict", body)
    assert answer[:2] == (200, "application/json"), answer
    return json.loads(answer.body)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def directory(saved_model, tmp_path_factory):
    """Version 3 of `lyrics`, of perplexity 10, labelled as stable."""
    directory = tmp_path_factory.mktemp("rest")
    shutil.copytree(saved_model(10), directory / "lyrics" / "3")
    (directory / "models.config").write_text(f"""
        model_config_list {{
          config {{
            name: "lyrics"
            base_path: "{directory / "lyrics"}"
            model_platform: "tensorflow"
            version_labels {{ key: "stable" value: 3 }}
          }}
        }}
    """)
    return directory


def options(directory, port) -> ServerOptions:
    return ServerOptions(
        model_config_file=str(directory / "models.config"),
        allow_version_labels_for_unavailable_models=True,
        port=port,
        rest_api_port=free_port(),
    )


@pytest.fixture(scope="module")
def port(directory):
    """Where the local server listens."""
    with ModelServer(options(directory, port=0)) as server:
        yield server.rest_api_port


@pytest.fixture(scope="module")
def tensorflow_model_server_port(directory):
    """Where TF Serving listens."""
    binary = shutil.which(TENSORFLOW_MODEL_SERVER)
    if not binary:
        pytest.skip(f"no {TENSORFLOW_MODEL_SERVER} on the PATH")
    flags = options(directory, free_port())
    with (
        subprocess.Popen(tensorflow_model_server_command(binary, flags)) as process,
        LyricsClient(f"127.0.0.1:{flags.port}") as client,
    ):
        try:
            client.wait_until_ready(60)
            yield flags.rest_api_port
        finally:
            process.terminate()


@pytest.mark.parametrize(
    "path",
    [
        MODEL,
        f"{MODEL}/versions/3",
        f"{MODEL}/labels/stable",
        f"{MODEL}/labels/st%61ble",
        "/V1/Models/l%79rics",
    ],
)
def test_rows(port, path):
    answer = predict(port, {**SCORE, "instances": ["abc", {"b64": "YQ=="}]}, path)
    rows = answer["predictions"]
    assert [row["characters"] for row in rows] == [3, 1]
    assert [row["nats"] for row in rows] == pytest.approx([3 * math.log(10), math.log(10)])
    assert [row["perplexity"] for row in rows] == pytest.approx([10, 10])


def test_columns(port):
    columns = predict(port, {**SCORE, "inputs": {"text": ["abc", "a"]}})["outputs"]
    assert columns["characters"] == [3, 1]
    assert columns["perplexity"] == pytest.approx([10, 10])


def test_a_single_output_has_no_name(port):
    rows = [GENERATE, {**GENERATE, "prefix": "春天", "num_chars": 0}]
    columns = {name: [row[name] for row in rows] for name in GENERATE}
    request = {"signature_name": "generate"}
    texts = ["abbb", "春天"]
    assert predict(port, {**request, "instances": rows}) == {"predictions": texts}
    assert predict(port, {**request, "inputs": columns}) == {"outputs": texts}


def test_a_zipped_body(port):
    def predict_zipped(body):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Content-Encoding": "gzip"}
        connection.request("POST", f"{MODEL}:predict", body, headers)
        return json.loads(connection.getresponse().read())

    body = json.dumps({**SCORE, "instances": ["abc"]}).encode()
    assert predict_zipped(gzip.compress(body))["predictions"][0]["characters"] == 3
    for bad in (body, gzip.compress(body)[:-9], gzip.compress(bytes(101 * 2**20))):
        answer = predict_zipped(bad)
        assert answer == {"error": "JSON Parse error: The document is empty"}


def test_numbers_that_json_has_not(port):
    columns = predict(port, {**SCORE, "inputs": [""]})["outputs"]
    assert math.isnan(columns["perplexity"][0])  # 0 nats over 0 characters


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/3", f"{MODEL}/labels/stable"])
def test_status(port, path):
    answer = ask(port, "GET", path)
    assert answer[:2] == (200, "application/json")
    # As in the example of TF Serving's docs/api_rest.md.
    assert (
        answer.body.decode()
        == """{
 "model_version_status": [
  {
   "version": "3",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""
    )


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/3", f"{MODEL}/labels/stable"])
def test_metadata(port, path):
    answer = ask(port, "GET", f"{path}/metadata")
    assert answer[:2] == (200, "application/json")
    metadata = json.loads(answer.body)
    assert metadata["model_spec"] == {"name": "lyrics", "signature_name": "", "version": "3"}
    score = metadata["metadata"]["signature_def"]["signature_def"]["score"]
    assert score["method_name"] == "tensorflow/serving/predict"
    assert score["inputs"]["text"]["dtype"] == "DT_STRING"
    assert score["inputs"]["text"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }


def check_refusal(port, method, path, body, status, sentence):
    answer = ask(port, method, path, body)
    error = json.loads(answer.body)["error"]
    if sentence.endswith("…"):
        error = error[: len(sentence) - 1] + "…"
    assert (answer.status, answer.content_type, error) == (status, "application/json", sentence)


@pytest.mark.parametrize("case", BAD_REST_REQUESTS, ids=NAMES)
def test_the_local_server_refuses(port, case):
    check_refusal(port, *case[:-1])


@pytest.mark.tfserving
@pytest.mark.parametrize("case", BAD_REST_REQUESTS, ids=NAMES)
def test_tensorflow_model_server_refuses_alike(tensorflow_model_server_port, case):
    check_refusal(tensorflow_model_server_port, *case[:-1])


@pytest.mark.parametrize("version", [str(2**63), "9" * 5000])
def test_versions_that_are_no_int64(port, version):
    # TF Serving has the same code and sentence, but forgets to send it.
    sentence = f"Failed to convert version: {version} to numeric."
    check_refusal(port, "GET", f"{MODEL}/versions/{version}", None, 400, sentence)


def test_nesting_beyond_all_bounds(port):
    start = b'{"signature_name": "score", "inputs": '
    for depth in (900, 950, 975, 1_000_000):
        for body in (start + b"[" * depth, start + b"[" * depth + b"]" * depth + b"}"):
            answer = ask(port, "POST", f"{MODEL}:predict", body)
            assert answer.status == 400, answer


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([MODEL, f"{MODEL}/versions/3", f"{MODEL}/labels/stable", f"{MODEL}?x", "/v1"]),
    st.sampled_from([":predict", ":classify", "", "/metadata", "/versions/" + "9" * 5000]),
    st.binary()
    | st.dictionaries(st.sampled_from(KEYS), ANY_JSON)
    | st.fixed_dictionaries(
        {"signature_name": st.sampled_from(["score", "generate"])},
        optional={"instances": st.lists(ANY_JSON, max_size=3), "inputs": ANY_JSON},
    ),
)
def test_no_request_is_answered_with_a_mistake(port, path, api, body):
    for method in ("POST", "GET"):
        assert ask(port, method, path + api, body).status in (200, 400, 404)


@pytest.mark.parametrize("path", ["/", "/v2/models/lyrics", "/v1"])
def test_other_paths(port, path):
    answer = ask(port, "GET", path)
    assert (answer.status, answer.content_type.partition(";")[0]) == (404, "text/html")


def cors(port, method, path, origin=None) -> tuple[int, dict[str, str]]:
    """The status, and what a browser is told of whom the answer is for."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Origin": origin} if origin else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    told = {name: value for name, value in response.getheaders() if "access" in name.lower()}
    return response.status, {name.lower(): value for name, value in told.items()}


ANY_ORIGIN = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}
FROM_A_PAGE = [
    ("GET", MODEL, "https://lyrics.example", 200),
    ("POST", f"{MODEL}:predict", "https://lyrics.example", 400),  # without a body
    ("OPTIONS", f"{MODEL}:predict", "https://lyrics.example", 200),
    ("OPTIONS", f"{MODEL}:predict", None, 400),
]


def test_pages_of_any_origin_may_ask_where_that_is_allowed(directory):
    allowing = dataclasses.replace(options(directory, port=0), rest_api_enable_cors_support=True)
    with ModelServer(allowing) as server:
        for method, path, origin, status in FROM_A_PAGE:
            assert cors(server.rest_api_port, method, path, origin) == (status, ANY_ORIGIN)
        assert cors(server.rest_api_port, "GET", "/", "https://lyrics.example") == (404, {})


@pytest.mark.parametrize(("method", "path", "origin", "status"), FROM_A_PAGE)
def test_else_no_page_of_another_origin_may(port, method, path, origin, status):
    assert cors(port, method, path, origin) == (status, {})


class Pairs:
    """Answers only where two requests are answered at a time; notes the threads."""

    def __init__(self):
        self.both = threading.Barrier(2)
        self.threads = set()

    def answer(self, *_):
        self.both.wait(20)
        self.threads.add(threading.get_ident())
        return 200, b"{}"


def test_as_many_requests_at_a_time_as_threads():
    api = Pairs()
    flags = ServerOptions("pushed", rest_api_port=free_port(), rest_api_num_threads=2)
    server = HttpServer(api, Metrics(), flags)
    server.listen()
    server.start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(server.port, "GET", MODEL), range(4)))
    server.stop(grace=1)
    assert [answer.status for answer in answers] == [200] * 4
    assert len(api.threads) == 2


def test_more_requests_at_a_time_than_threads(port):
    lengths = [1, 2000] * 40
    requests = [{**SCORE, "instances": ["a" * length]} for length in lengths]
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(lambda request: predict(port, request), requests))
    assert [answer["predictions"][0]["characters"] for answer in answers] == lengths


def test_a_signature_that_takes_too_long(directory):
    hurried = dataclasses.replace(options(directory, port=0), rest_api_timeout_in_ms=1)
    request = {"signature_name": "generate", "instances": [{**GENERATE, "num_chars": 5_000_000}]}
    with ModelServer(hurried) as server:
        answer = ask(server.rest_api_port, "POST", f"{MODEL}:predict", request)
    assert answer.status == 504


def test_a_kept_connection_answers_at_once(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    local = connection.sock.getsockname()
    seconds = []
    for _ in range(10):
        start = time.monotonic()
        connection.request("GET", MODEL)
        assert connection.getresponse().read()
        seconds.append(time.monotonic() - start)
        assert connection.sock.getsockname() == local
    connection.close()
    assert min(seconds) < 0.035  # 40 ms is what TCP's delayed confirmations cost


def test_requests_under_way_are_answered_before_the_end(repeater):
    request = {"signature_name": "spin", "instances": [300_000]}  # more than a second
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with ModelServer(ServerOptions(str(repeater), port=0, rest_api_port=free_port())) as server:
            answer = pool.submit(predict, server.rest_api_port, request)
            time.sleep(0.2)
            assert not answer.done()
        assert answer.result()["predictions"] == [1]


def test_what_is_under_way_when_the_grace_is_over_gets_503(repeater):
    request = {"signature_name": "spin", "instances": [3_000_000]}  # more than ten seconds
    options = {"rest_api_port": free_port(), "shutdown_grace_seconds": 0.5}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with ModelServer(ServerOptions(str(repeater), port=0, **options)) as server:
            answer = pool.submit(ask, server.rest_api_port, "POST", f"{MODEL}:predict", request)
            time.sleep(0.5)
        status, _, body = answer.result()
    assert status == 503
    assert json.loads(body) == {"error": "the server is shutting down"}


def test_a_port_that_is_taken(port, directory):
    taken = ServerOptions(str(directory / "lyrics"), port=0, rest_api_port=port)
    with pytest.raises(ServingError, match=r"cannot listen on .* for REST"):
        ModelServer(taken).start()
