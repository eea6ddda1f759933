"""The table of bad requests, over a real socket: the local server, and TF Serving where it is."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.launch import TENSORFLOW_MODEL_SERVER, tensorflow_model_server_command
from serving.server.server import ModelServer

from .bad_requests import BAD_REQUESTS, LABELS, BadRequest

NAMES = [f"{case.method}: {case.what}" for case in BAD_REQUESTS]


@pytest.fixture(scope="module")
def config_file(saved_model, tmp_path_factory) -> Path:
    """Serves one version under two labels, one of which points nowhere."""
    directory = tmp_path_factory.mktemp("bad_requests")
    shutil.copytree(saved_model(10), directory / "lyrics" / "1")
    add_signatures(directory / "lyrics" / "1" / "saved_model.pb")
    config = ModelServerConfig()
    config.model_config_list.config.add(
        name="lyrics",
        base_path=str(directory / "lyrics"),
        model_platform="tensorflow",
        version_labels=LABELS,
    )
    (directory / "models.config").write_text(text_format.MessageToString(config))
    return directory / "models.config"


def add_signatures(path: Path) -> None:
    """One whose inputs have defaults, and one with a single output."""
    model = SavedModel.FromString(path.read_bytes())
    (graph,) = model.meta_graphs
    signatures = graph.signature_def
    signatures["one_output"].CopyFrom(signatures["score"])
    for name in ("nats", "characters"):
        del signatures["one_output"].outputs[name]
    with_defaults = signatures["generate_with_defaults"]
    with_defaults.CopyFrom(signatures["generate"])
    for alias, info in with_defaults.inputs.items():
        if alias != "prefix":
            default = tf.make_tensor_proto([0], tf.as_dtype(info.dtype))
            with_defaults.defaults[alias].CopyFrom(default)
    path.write_bytes(model.SerializeToString())


def options(config_file: Path, port: int) -> ServerOptions:
    return ServerOptions(
        model_config_file=str(config_file),
        allow_version_labels_for_unavailable_models=True,
        port=port,
    )


@pytest.fixture(scope="module")
def local_server(config_file) -> Iterator[grpc.Channel]:
    with (
        ModelServer(options(config_file, port=0)) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        yield channel


@pytest.fixture(scope="module")
def tensorflow_model_server(config_file) -> Iterator[grpc.Channel]:
    binary = shutil.which(TENSORFLOW_MODEL_SERVER)
    if not binary:
        pytest.skip(f"no {TENSORFLOW_MODEL_SERVER} on the PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = tensorflow_model_server_command(binary, options(config_file, port))
    with (
        subprocess.Popen(command) as process,
        LyricsClient(f"127.0.0.1:{port}") as client,
        grpc.insecure_channel(client.target) as channel,
    ):
        try:
            client.wait_until_ready(60)
            yield channel
        finally:
            process.terminate()


def refusal(channel: grpc.Channel, case: BadRequest) -> tuple[str, str]:
    """Code and sentence of the answer."""
    stubs = (
        prediction_service_pb2_grpc.PredictionServiceStub(channel),
        model_service_pb2_grpc.ModelServiceStub(channel),
    )
    (method,) = (getattr(stub, case.method) for stub in stubs if hasattr(stub, case.method))
    with pytest.raises(grpc.RpcError) as error:
        method(case.request, timeout=20)
    details = error.value.details()
    if case.message.endswith("…"):
        details = details[: len(case.message) - 1] + "…"
    return error.value.code().name, details


@pytest.mark.parametrize("case", BAD_REQUESTS, ids=NAMES)
def test_the_local_server_refuses(local_server, case):
    assert refusal(local_server, case) == (case.code, case.message)


@pytest.mark.tfserving
@pytest.mark.parametrize("case", BAD_REQUESTS, ids=NAMES)
def test_tensorflow_model_server_refuses_alike(tensorflow_model_server, case):
    code, message = refusal(tensorflow_model_server, case)
    assert code == case.code
    assert case.own_words or message == case.message


def test_every_kind_of_bad_request_is_listed_once():
    assert len(set(NAMES)) == len(NAMES)
