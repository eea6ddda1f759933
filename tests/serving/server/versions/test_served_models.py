"""Many models, their version policies and labels: changed while the server answers."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig
from waiting import until

from modules.errors import ConfigError, ServingError
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer
from serving.server.versions.served_models import Models

AVAILABLE, END = ModelVersionStatus.AVAILABLE, ModelVersionStatus.END


class Served:
    """A server, its config file, and what it answers to the generated stubs."""

    def __init__(self, server: ModelServer, config_file: Path, channel: grpc.Channel):
        self.server = server
        self.config_file = config_file
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def reload(self, *models: str) -> model_management_pb2.ReloadConfigResponse:
        request = model_management_pb2.ReloadConfigRequest(config=config(*models))
        return self._models.HandleReloadConfigRequest(request, timeout=20)

    def states(self, name: str) -> dict[int, int]:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=ModelSpec(name=name))
        statuses = self._models.GetModelStatus(request, timeout=20).model_version_status
        return {status.version: status.state for status in statuses}

    def perplexity(self, name: str, version: int | None = None, label: str = "") -> tuple[int, int]:
        """Which version answered, and what."""
        request = predict_pb2.PredictRequest(
            model_spec=ModelSpec(name=name, signature_name="score")
        )
        if version is not None:
            request.model_spec.version.value = version
        if label:
            request.model_spec.version_label = label
        request.inputs["text"].CopyFrom(tf.make_tensor_proto(["abc"]))
        response = self._predictions.Predict(request, timeout=20)
        (perplexity,) = response.outputs["perplexity"].float_val
        return response.model_spec.version.value, round(perplexity)


def config(*models: str) -> ModelServerConfig:
    text = "".join(f'config {{ model_platform: "tensorflow" {model} }}' for model in models)
    return text_format.Parse(f"model_config_list {{ {text} }}", ModelServerConfig())


@pytest.fixture
def lyrics(base_path, push) -> str:
    """A model of three versions; the text of its config."""
    for version, vocab_size in [(1, 10), (2, 20), (3, 5)]:
        push(version, vocab_size)
    return f'name: "lyrics" base_path: "{base_path}"'


@pytest.fixture
def served(lyrics, tmp_path) -> Iterator[Served]:
    """Serves the newest version, as its config file says."""
    config_file = tmp_path / "models.config"
    config_file.write_text(text_format.MessageToString(config(lyrics)))
    options = ServerOptions(
        model_config_file=str(config_file),
        port=0,
        file_system_poll_wait_seconds=0.05,
        model_config_file_poll_wait_seconds=0.05,
    )
    with ModelServer(options) as server, grpc.insecure_channel(server.target) as channel:
        yield Served(server, config_file, channel)


@pytest.fixture
def still(served, caplog) -> Served:
    """Whose config file is no more read."""
    served.config_file.unlink()
    until(lambda: "the config cannot be served" in caplog.text)
    return served


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", {3: AVAILABLE}),
        ("latest {}", {3: AVAILABLE}),
        ("latest { num_versions: 2 }", {3: AVAILABLE, 2: AVAILABLE}),
        ("all {}", {3: AVAILABLE, 2: AVAILABLE, 1: AVAILABLE}),
        ("specific { versions: 1 versions: 2 versions: 7 }", {2: AVAILABLE, 1: AVAILABLE}),
    ],
)
def test_the_policy_says_which_versions_are_served(lyrics, policy, expected):
    models = Models()
    models.reload(config(f"{lyrics} model_version_policy {{ {policy} }}"))
    statuses = models.statuses(ModelSpec(name="lyrics"))
    assert {status.version: status.state for status in statuses} == expected
    assert [status.version for status in statuses] == sorted(expected, reverse=True)
    with models.use(ModelSpec(name="lyrics")) as model:
        assert model.version == max(expected)
    models.close()


def test_a_change_of_policy_loads_and_unloads(still, lyrics):
    assert still.perplexity("lyrics") == (3, 5)
    response = still.reload(f"{lyrics} model_version_policy {{ specific {{ versions: 1 }} }}")
    assert response.HasField("status")
    assert response.status.error_code == tf.errors.OK
    assert still.states("lyrics") == {3: END, 1: AVAILABLE}
    assert still.perplexity("lyrics") == (1, 10)


def test_models_come_and_go(still, lyrics):
    poems = lyrics.replace('"lyrics"', '"poems"', 1)
    still.reload(lyrics, f"{poems} model_version_policy {{ specific {{ versions: 2 }} }}")
    assert still.perplexity("lyrics") == (3, 5)
    assert still.perplexity("poems") == (2, 20)
    still.reload(poems)
    assert still.states("lyrics") == {3: END}
    assert still.states("poems") == {3: AVAILABLE, 2: END}
    with pytest.raises(grpc.RpcError, match=r"Servable not found for request: Latest\(lyrics\)"):
        still.perplexity("lyrics")
    still.reload(poems, lyrics)
    assert still.perplexity("lyrics") == (3, 5)


def test_a_label_is_given_to_what_is_available_and_moves(still, lyrics):
    everything = f"{lyrics} model_version_policy {{ all {{}} }}"
    stable = 'version_labels { key: "stable" value: %d }'
    with pytest.raises(grpc.RpcError) as error:
        still.reload(f"{everything} {stable % 1}")  # loaded and labelled at once
    assert error.value.details() == (
        "Request to assign label to version 1 of model lyrics, "
        "which is not currently available for inference"
    )
    assert still.states("lyrics") == {3: AVAILABLE}  # nothing of it was done
    still.reload(everything)
    for version, perplexity in [(1, 10), (2, 20)]:
        still.reload(f"{everything} {stable % version}")
        assert still.perplexity("lyrics", label="stable") == (version, perplexity)
    still.reload(everything)
    with pytest.raises(grpc.RpcError, match="Unrecognized servable version label: stable"):
        still.perplexity("lyrics", label="stable")


def test_a_new_label_may_name_what_is_yet_to_load_where_that_is_allowed(lyrics):
    models = Models(allow_version_labels_for_unavailable_models=True)
    everything = f"{lyrics} model_version_policy {{ all {{}} }}"
    models.reload(config(f'{everything} version_labels {{ key: "stable" value: 1 }}'))
    with models.use(ModelSpec(name="lyrics", version_label="stable")) as model:
        assert model.version == 1
    with pytest.raises(tf.errors.FailedPreconditionError, match="label to version 9 of model"):
        models.reload(config(f'{everything} version_labels {{ key: "stable" value: 9 }}'))
    models.close()


def test_what_is_in_both_configs_is_not_loaded_again(lyrics):
    models = Models()
    models.reload(config(lyrics))
    with models.use(ModelSpec(name="lyrics")) as before:
        models.reload(config(lyrics))
        with models.use(ModelSpec(name="lyrics")) as after:
            assert after is before
    models.close()


def test_a_new_model_that_cannot_be_loaded_is_told_and_the_others_go_on(still, lyrics, tmp_path):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    broken = f'name: "broken" base_path: "{tmp_path / "broken"}"'
    nowhere = f'name: "nowhere" base_path: "{tmp_path / "nowhere"}"'
    with pytest.raises(grpc.RpcError) as error:
        still.reload(lyrics, broken, nowhere)
    assert error.value.code() == grpc.StatusCode.UNKNOWN
    assert error.value.details().startswith(
        "2 model(s) did not become available: {{{name: broken version: 1} due to error: "
        "NOT_FOUND: Could not find SavedModel .pb or .pbtxt at supplied export directory path: "
    )
    assert still.states("broken") == {1: ModelVersionStatus.LOADING}
    assert still.perplexity("lyrics") == (3, 5)


def test_the_config_file_is_read_again(served, lyrics, caplog):
    text = text_format.MessageToString(
        config(f"{lyrics} model_version_policy {{ specific {{ versions: 2 }} }}")
    )
    served.config_file.write_text("no config")
    until(lambda: caplog.text.count("the config cannot be served") > 1)
    assert served.perplexity("lyrics") == (3, 5)
    served.config_file.write_text(text)
    until(lambda: served.perplexity("lyrics") == (2, 20))


def test_a_label_at_the_start_says_what_it_needs(lyrics, tmp_path):
    file = tmp_path / "labels.config"
    labelled = config(f'{lyrics} version_labels {{ key: "stable" value: 1 }}')
    file.write_text(text_format.MessageToString(labelled))
    with pytest.raises(
        ServingError, match=r"version 1 of model lyrics.*allow_version_labels_for_unav"
    ):
        ModelServer(ServerOptions(model_config_file=str(file), port=0)).start()


@pytest.mark.parametrize("content", [None, "model_config_list { models: 3 }", "\0"])
def test_a_config_file_that_is_none_is_an_error(tmp_path, content):
    file = tmp_path / "models.config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"model_config_file='.*' (cannot be read|is not) "):
        ModelServer(ServerOptions(model_config_file=str(file)))
