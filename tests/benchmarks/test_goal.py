import pytest

from benchmarks.goal import Goal, as_json

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("at_least", "value", "reached"),
    [(True, 1.9, False), (True, 2.0, True), (False, 2.0, True), (False, 2.1, False)],
)
def test_a_bound_is_the_least_or_the_greatest(at_least, value, reached):
    (as_object,) = as_json([Goal("speed", value, 2.0, at_least)])
    assert as_object["reached"] is reached
    assert as_object["name"] == "speed"
