import os
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from modules.errors import ConfigError
from serving.rollout.config_file import ConfigFile
from serving.rollout.policy import Policy

OTHER = """
model_config_list {
  config { name: "poems" base_path: "/models/poems" model_platform: "tensorflow" }
  config { name: "lyrics" base_path: "/models/lyrics" model_platform: "tensorflow" }
}
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "models.config"


def message(path):
    return text_format.Parse(path.read_text(), ModelServerConfig())


def test_what_is_written_is_read_again(path):
    policy = Policy().promote(41).promote(42).label("canary", 43)
    file = ConfigFile(path)
    assert file.policy("lyrics") == Policy()
    file.set_policy("lyrics", policy, "/models/lyrics")
    file.write()
    assert ConfigFile(path).policy("lyrics") == policy
    assert ConfigFile(path).base_path("lyrics") == "/models/lyrics"
    assert os.listdir(path.parent) == ["models.config"]


def test_a_server_reads_the_message(path):
    file = ConfigFile(path)
    file.set_policy("lyrics", Policy().promote(42).label("canary", 43), "/models/lyrics", [41])
    file.write()
    expected = """
    model_config_list {
      config {
        name: "lyrics"
        base_path: "/models/lyrics"
        model_platform: "tensorflow"
        model_version_policy { specific { versions: [41, 42, 43] } }
        version_labels { key: "stable" value: 42 }
        version_labels { key: "canary" value: 43 }
      }
    }
    """
    assert message(path) == text_format.Parse(expected, ModelServerConfig())


def test_other_models_and_their_history_stay(path):
    path.write_text("# promoted poems: 7 8\n" + OTHER)
    file = ConfigFile(path)
    file.set_policy("lyrics", Policy().promote(42), "")
    file.write()
    poems, lyrics = message(path).model_config_list.config
    assert poems == text_format.Parse(OTHER, ModelServerConfig()).model_config_list.config[0]
    assert lyrics.base_path == "/models/lyrics"
    assert ConfigFile(path).policy("poems").promoted == (7, 8)


def test_without_a_policy_the_newest_is_served_again(path):
    file = ConfigFile(path)
    file.set_policy("lyrics", Policy().promote(42), "/models/lyrics")
    file.set_policy("lyrics", Policy(), "")
    file.write()
    (lyrics,) = message(path).model_config_list.config
    assert not lyrics.HasField("model_version_policy")
    assert not lyrics.version_labels


def test_a_label_that_was_given_by_hand_counts(path):
    label = 'version_labels { key: "stable" value: 42 }'
    path.write_text(
        '# promoted lyrics: 40 41\nmodel_config_list { config { name: "lyrics" ' + label + " } }"
    )
    assert ConfigFile(path).policy("lyrics").promoted == (40, 41, 42)


@pytest.mark.parametrize("content", [b"model_config_lost {}", b"\xff", b"{"])
def test_another_file_is_refused_in_a_line(path, content):
    path.write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"models\.config is no text ModelServerConfig \("
    ) as error:
        ConfigFile(path)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there(path):
    file = ConfigFile(path.parent / "absent" / "models.config")
    file.set_policy("lyrics", Policy().promote(42), "/models/lyrics")
    with pytest.raises(ConfigError, match=r"cannot be written \(No such file or directory\)"):
        file.write()


def test_a_file_without_an_end_is_refused_in_a_line():
    with pytest.raises(ConfigError, match=r"^/dev/zero is no text ModelServerConfig \(.*Over 1,04"):
        ConfigFile(Path("/dev/zero"))
