import pytest

from modules.errors import ConfigError
from modules.ngrams.options import NgramOptions

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "values",
    [
        {"ngram_order": 0},
        {"ngram_order": 7},
        {"cache_size": -1},
        {"cache_size": 10_001},
        {"cache_weight": -0.1},
        {"cache_weight": 1.1},
        {"cache_weight": float("nan")},
    ],
)
def test_values_out_of_range_are_refused(values):
    (name,) = values
    with pytest.raises(ConfigError, match=f"{name}=.* is out of range"):
        NgramOptions(**values)


def test_the_cache_can_be_switched_off():
    assert NgramOptions(cache_size=0).cache_size == 0
