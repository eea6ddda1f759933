"""--batching_parameters_file."""

import pytest

from modules.errors import ConfigError
from serving.server.batching.parameters import BatchingOptions

pytestmark = pytest.mark.fast


def test_defaults_are_the_ones_of_tf_serving(tmp_path):
    options = BatchingOptions.read("")
    assert (options.max_batch_size, options.batch_timeout_micros) == (1000, 0)
    assert (options.max_enqueued_batches, options.allowed_batch_sizes) == (10, ())
    path = tmp_path / "batching.config"
    path.write_text("")
    assert BatchingOptions.read(str(path)) == options


def test_what_the_file_says(tmp_path):
    path = tmp_path / "batching.config"
    path.write_text(
        "max_batch_size { value: 64 } batch_timeout_micros { value: 1000 } "
        "max_enqueued_batches { value: 3 } num_batch_threads { value: 2 } "
        "allowed_batch_sizes: 1 allowed_batch_sizes: 8 allowed_batch_sizes: 64"
    )
    options = BatchingOptions.read(str(path))
    assert options == BatchingOptions(64, 1000, 3, 2, (1, 8, 64))
    assert [options.padded(size) for size in (1, 2, 8, 9, 64)] == [1, 8, 8, 64, 64]
    assert BatchingOptions().padded(5) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_batch_size": 0}, "max_batch_size=0 is too small: give 1 or more"),
        ({"num_batch_threads": -1}, "num_batch_threads=-1 is too small"),
        ({"batch_timeout_micros": -1}, "batch_timeout_micros=-1 is negative"),
        ({"allowed_batch_sizes": (8, 64)}, r"\[8, 64\] must rise, and end with max_batch_size=10"),
        ({"allowed_batch_sizes": (9, 8, 1000)}, "must rise"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ConfigError, match=message):
        BatchingOptions(**options)
