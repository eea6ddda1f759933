"""TLS and mutual TLS: real handshakes, with certificates made for the test."""

import grpc
import pytest
import trustme
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from modules.errors import ConfigError, ServingError
from serving.server.flags import ServerOptions
from serving.server.grpc.tls import server_credentials
from serving.server.server import ModelServer
from serving.server.text_protos import SSLConfig


def pem(certificate: trustme.LeafCert) -> tuple[bytes, bytes]:
    """Private key and chain of certificates."""
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return certificate.private_key_pem.bytes(), chain


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger():
    return trustme.CA()


@pytest.fixture
def ssl_config_file(tmp_path, authority):
    """Writes an SSLConfig; what is not given is a matching key and certificate."""

    def write(**fields) -> str:
        key, certificate = pem(authority.issue_cert("localhost"))
        path = tmp_path / "ssl.config"
        path.write_text(str(SSLConfig(**{"server_key": key, "server_cert": certificate} | fields)))
        return str(path)

    return write


def ask(server: ModelServer, trusted: trustme.CA, client: trustme.LeafCert | None = None):
    """State of the one version, by a client that trusts one authority."""
    key, chain = pem(client) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted.cert_pem.bytes(), key, chain)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "lyrics"
    with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        (status,) = stub.GetModelStatus(request, timeout=20).model_version_status
        return status.State.Name(status.state)


def refused(*arguments) -> bool:
    with pytest.raises(grpc.RpcError) as error:
        ask(*arguments)
    return error.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def serve(base_path, push):
    push(version=1, vocab_size=10)

    def options(path: str) -> ModelServer:
        return ModelServer(ServerOptions(str(base_path), port=0, ssl_config_file=path))

    return options


def test_tls(serve, ssl_config_file, authority, stranger):
    with serve(ssl_config_file()) as server:
        assert ask(server, authority) == "AVAILABLE"
        assert refused(server, stranger)
        with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
            model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(
                get_model_status_pb2.GetModelStatusRequest(), timeout=20
            )


def test_mutual_tls(serve, ssl_config_file, authority, stranger):
    clients = trustme.CA()
    path = ssl_config_file(custom_ca=clients.cert_pem.bytes(), client_verify=True)
    with serve(path) as server:
        assert ask(server, authority, clients.issue_cert("client")) == "AVAILABLE"
        assert refused(server, authority)
        assert refused(server, authority, stranger.issue_cert("client"))


def test_a_key_of_another_certificate(serve, ssl_config_file, authority):
    key, _ = pem(authority.issue_cert("elsewhere"))
    with pytest.raises(ServingError, match=r"cannot listen on .*the key must be the certificate's"):
        serve(ssl_config_file(server_key=key)).start()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"server_key": "/etc/tls/server.key"}, "server_key"),
        ({"server_cert": ""}, "server_cert"),
        ({"client_verify": True}, "custom_ca"),
    ],
)
def test_what_is_missing_is_named(ssl_config_file, fields, name):
    with pytest.raises(ConfigError, match=rf"ssl_config_file='.*' has no PEM in {name}: put in "):
        server_credentials(ssl_config_file(**fields))
