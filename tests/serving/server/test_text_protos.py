"""TF Serving's configuration files, as an operator writes them."""

import pytest

from modules.errors import ConfigError
from serving.server.text_protos import (
    BatchingParameters,
    MonitoringConfig,
    SSLConfig,
    read_text_proto,
)

pytestmark = pytest.mark.fast


def read(tmp_path, text, message):
    path = tmp_path / "config.txt"
    path.write_text(text)
    return read_text_proto("some_file", str(path), message)


def test_batching_parameters(tmp_path):
    text = """
        # a comment
        max_batch_size { value: 64 }
        batch_timeout_micros { value: 0 }
        max_enqueued_batches: { value: 1000 },
        num_batch_threads { value: 2 }
        thread_pool_name { value: "batches" }
        allowed_batch_sizes: [8, 64]
        pad_variable_length_inputs: true
    """
    parameters = read(tmp_path, text, BatchingParameters())
    assert parameters.max_batch_size.value == 64
    assert parameters.HasField("batch_timeout_micros")
    assert not read(tmp_path, "", BatchingParameters()).HasField("batch_timeout_micros")
    assert parameters.max_enqueued_batches.value == 1000
    assert parameters.num_batch_threads.value == 2
    assert parameters.thread_pool_name.value == "batches"
    assert parameters.allowed_batch_sizes == [8, 64]
    assert parameters.pad_variable_length_inputs


def test_ssl_config(tmp_path):
    config = read(tmp_path, 'server_key: "a\\nb" client_verify: true', SSLConfig())
    assert (config.server_key, config.server_cert, config.client_verify) == ("a\nb", "", True)


def test_monitoring_config(tmp_path):
    text = 'prometheus_config { enable: true path: "/metrics" }'
    config = read(tmp_path, text, MonitoringConfig()).prometheus_config
    assert (config.enable, config.path) == (True, "/metrics")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"some_file='.*/none' cannot be read \(.*\): give "):
        read_text_proto("some_file", str(tmp_path / "none"), SSLConfig())


def test_a_file_with_something_else(tmp_path):
    message = r"is not BatchingParameters in text format \(1:1 : .*no field named \"batch\".*\)"
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, "batch: 3", BatchingParameters())
    path = tmp_path / "binary"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_text_proto("some_file", str(path), SSLConfig())


def test_a_file_without_an_end():
    message = r"^some_file='/dev/zero' cannot be read \(.*Over 1,048,576 bytes, which no such"
    with pytest.raises(ConfigError, match=message):
        read_text_proto("some_file", "/dev/zero", SSLConfig())
