"""How both clients reach a server and fail, asked over real sockets."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import trustme
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from modules import errors
from modules.errors import ConfigError, ServingError
from serving.client.aio import AsyncLyricsClient
from serving.client.blocking import LyricsClient
from serving.client.connection import Tls
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer
from serving.server.text_protos import SSLConfig

from ..both_clients import CLIENTS

both = pytest.mark.parametrize("connect", CLIENTS, ids=lambda client: client.__name__)


class Failing(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Fails as often as it is told to, then answers."""

    def __init__(self):
        self.failures = []
        self.asked = 0

    def Predict(self, request, context):
        self.asked += 1
        if self.failures:
            context.abort(*self.failures.pop(0))
        response = predict_pb2.PredictResponse()
        response.outputs["text"].dtype = 7  # DT_STRING
        response.outputs["text"].tensor_shape.dim.add(size=1)
        response.outputs["text"].string_val.append(b"ab")
        return response


@pytest.fixture(scope="module")
def failing_target():
    service = Failing()
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield service, f"127.0.0.1:{port}"
        server.stop(0).wait()


@pytest.fixture
def failing(failing_target):
    service, _ = failing_target
    service.failures, service.asked = [], 0
    return service


@pytest.fixture
def target(failing_target):
    return failing_target[1]


@both
def test_a_server_that_is_unavailable_is_asked_again(connect, failing, target):
    failing.failures = [(grpc.StatusCode.UNAVAILABLE, "draining")] * 3
    with connect(target) as client:
        assert client.generate(["a"]) == ["ab"]
    assert failing.asked == 4


@both
def test_but_not_for_ever(connect, failing, target):
    failing.failures = [(grpc.StatusCode.UNAVAILABLE, "draining")] * 99
    with connect(target) as client, pytest.raises(errors.ServerUnavailable) as error:
        client.generate(["a"])
    assert failing.asked == 5
    assert str(error.value).startswith(f"the server at {target} cannot be reached (draining): ")


@both
def test_nor_beyond_the_deadline(connect, failing, target):
    failing.failures = [(grpc.StatusCode.UNAVAILABLE, "draining")] * 99
    start = time.monotonic()
    with connect(target, timeout=0.15) as client, pytest.raises(ServingError):
        client.generate(["a"])
    assert time.monotonic() - start < 1
    assert 1 <= failing.asked <= 3


@both
@pytest.mark.parametrize(
    ("code", "details", "kind", "sentence"),
    [
        ("RESOURCE_EXHAUSTED", "queue full", errors.ServerOverloaded, r"no room .*\(queue full\)"),
        ("DEADLINE_EXCEEDED", "late", errors.DeadlineExceeded, "did not answer within 20 s"),
        ("NOT_FOUND", "no", errors.ModelNotFound, r"does not serve model 'lyrics' \(no\)"),
        (
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: canary",
            errors.ModelNotFound,
            "give the name and version that it serves",
        ),
        ("FAILED_PRECONDITION", "no key", errors.WrongModel, r"cannot do this \(no key\): serve"),
        (
            "INVALID_ARGUMENT",
            "input size does not match signature: 6!=5 Sent extra: {top_p}.",
            errors.WrongModel,
            r"cannot do this \(input size .*\{top_p\}\): serve one that .* pushed lately",
        ),
        (
            "INVALID_ARGUMENT",
            "assertion failed: [seed is odd]\n\t [[{{node A}}]]",
            errors.InvalidRequest,
            "refused the request: seed is odd$",
        ),
        ("INTERNAL", "bug", ServingError, r"failed with INTERNAL \(bug\): see its log"),
    ],
)
def test_every_failure_has_its_kind_and_is_final(
    connect, failing, target, code, details, kind, sentence
):
    failing.failures = [(grpc.StatusCode[code], details)]
    with (
        connect(target, timeout=20) as client,
        pytest.raises(ServingError, match=sentence) as error,
    ):
        client.generate(["a"])
    assert type(error.value) is kind
    assert failing.asked == 1


@both
def test_a_server_comes_back_while_it_is_asked(connect, base_path, push):
    push(version=1, vocab_size=10)
    with ModelServer(ServerOptions(str(base_path), port=0)) as server:
        target = server.target
    with connect(target) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.generate, ["a"], num_chars=1)
        with ModelServer(ServerOptions(str(base_path), port=server.port)):
            assert answer.result() == ["aa"]


@both
def test_what_is_served(connect, server):
    with connect(server.target) as client:
        assert client.wait_until_ready(20) == 1
        assert [str(status) for status in client.status()] == ["version 1 is AVAILABLE"]
        metadata = client.metadata()
    assert metadata.version == 1
    assert metadata.signatures["score"].inputs == {"text": "string"}
    assert metadata.signatures["score"].outputs == {
        "characters": "int64",
        "nats": "float",
        "perplexity": "float",
    }
    assert metadata.signatures["generate"].inputs["num_chars"] == "int32"


@both
def test_a_model_that_is_not_there(connect, base_path, server):
    with connect(server.target, "poems") as client, pytest.raises(errors.ModelNotFound):
        client.metadata()
    with (
        connect(server.target, "poems") as client,
        pytest.raises(errors.ModelNotReady, match=r"model 'poems' is not ready after 0\.2 s: .*"),
    ):
        client.wait_until_ready(0.2)


@both
def test_a_label_chooses_a_version(connect, base_path, push, tmp_path):
    push(version=1, vocab_size=10)
    push(version=2, vocab_size=20)
    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{ config {{
          name: "lyrics" base_path: "{base_path}" model_platform: "tensorflow"
          model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
          version_labels {{ key: "stable" value: 1 }} }} }}"""
    )
    options = ServerOptions(
        model_config_file=str(config), port=0, allow_version_labels_for_unavailable_models=True
    )
    with ModelServer(options) as server:
        with connect(server.target) as client:
            client.wait_until_ready()
            assert client.score(["a"])[0].perplexity == pytest.approx(20)
        with connect(server.target, label="stable") as client:
            assert client.score(["a"])[0].perplexity == pytest.approx(10)
        with (
            connect(server.target, label="canary") as client,
            pytest.raises(errors.ModelNotFound, match=r"'lyrics', label 'canary' \(.*canary\)"),
        ):
            client.score(["a"])


@both
def test_an_older_model_answers_until_it_is_asked_for_what_it_lacks(connect, server):
    with connect(server.target) as client:
        assert client.generate(["a"], num_chars=1, top_p=1.0, stop="") == ["aa"]
        with pytest.raises(errors.WrongModel, match=r"cannot do this \(.*\{top_p\}"):
            client.generate(["a"], top_p=0.5)
        with pytest.raises(errors.WrongModel, match=r"cannot do this \(.*log_probability"):
            client.generate_scored(["a"])
        with pytest.raises(errors.WrongModel, match=r'"generate_beam" not found'):
            client.generate_beam(["a"])
        with pytest.raises(errors.WrongModel, match=r'"start" not found'):
            list(client.stream("a"))


@both
def test_no_option_is_overlooked(connect, server):
    with connect(server.target) as client, pytest.raises(TypeError, match="no such option: width"):
        client.generate(["a"], width=3)


@both
def test_channel_options_go_before_the_clients_own(connect, server):
    options = [("grpc.max_receive_message_length", 100)]
    with connect(server.target, channel_options=options) as client:
        assert client.generate(["a"], num_chars=1) == ["aa"]
        with pytest.raises(errors.ServerOverloaded, match="larger than max"):
            client.generate(["a"], num_chars=1000)


@both
def test_contradictions(connect):
    with pytest.raises(ConfigError, match="version=1 and label='a': give one of them"):
        connect("nowhere:1", version=1, label="a")
    with pytest.raises(ConfigError, match="private_key='': give both, or neither"):
        Tls(certificate_chain="chain.pem")
    with pytest.raises(ConfigError, match=r"no\.pem: No such file or directory: give a PEM file"):
        connect("nowhere:1", tls=Tls("no.pem"))


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls_server(base_path, push, authority, tmp_path):
    """Wants a certificate of its clients."""
    push(version=1, vocab_size=10)
    certificate = authority.issue_cert("localhost")
    config = SSLConfig(
        server_key=certificate.private_key_pem.bytes(),
        server_cert=certificate.cert_chain_pems[0].bytes(),
        custom_ca=authority.cert_pem.bytes(),
        client_verify=True,
    )
    file = tmp_path / "ssl.config"
    file.write_text(str(config))
    options = ServerOptions(str(base_path), port=0, ssl_config_file=str(file))
    with ModelServer(options) as server:
        yield f"localhost:{server.port}"


@both
def test_tls_both_ways(connect, tls_server, authority, tmp_path):
    own = authority.issue_cert("client.example")
    roots, key, chain = (tmp_path / name for name in ("roots.pem", "key.pem", "chain.pem"))
    authority.cert_pem.write_to_path(str(roots))
    own.private_key_pem.write_to_path(str(key))
    own.cert_chain_pems[0].write_to_path(str(chain))
    with connect(tls_server, tls=Tls(str(roots), str(chain), str(key))) as client:
        assert client.wait_until_ready(20) == 1
        assert client.generate(["a"], num_chars=1) == ["aa"]
    plain = tls_server.replace("localhost", "127.0.0.1")
    for target, tls in ((tls_server, Tls()), (tls_server, Tls(str(roots))), (plain, None)):
        with (
            connect(target, tls=tls) as client,
            pytest.raises(errors.ServerUnavailable, match=rf"the server at {target} cannot be re"),
        ):
            client.status()


def test_asyncio_waits_for_many_answers_at_once(server):
    async def ask() -> list[list[str]]:
        async with AsyncLyricsClient(server.target) as client:
            asked = (client.generate([letter], num_chars=1) for letter in "abcdefghij" * 5)
            return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == [[2 * letter] for letter in "abcdefghij" * 5]


def test_a_cancelled_task_gives_up_its_call(nowhere):
    async def ask() -> None:
        async with AsyncLyricsClient(nowhere) as client:
            await asyncio.wait_for(client.wait_until_ready(60), 0.3)

    start = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(ask())
    assert time.monotonic() - start < 5


def test_both_clients_have_the_same_methods():
    public = [
        {name for name in vars(client) if not name.startswith("_")}
        for client in (LyricsClient, AsyncLyricsClient)
    ]
    assert public[0] == public[1]
