import math

import pytest

from benchmarks.scale_results import Results, Size, exponent
from benchmarks.scale_stage import Stage

pytestmark = pytest.mark.fast

MEBIBYTE = 2**20


def size(copies: float, seconds: float, worker: int) -> Size:
    stages = {"Transform": Stage("Transform", 2 * seconds, seconds, 500 * MEBIBYTE, 0)}
    beside = {"Transform": Stage("Transform", 1.0, 1.0, 500 * MEBIBYTE, worker * MEBIBYTE)}
    return Size(copies, round(copies * 1_000), stages, beside if worker else {})


def test_the_exponent_is_the_slope_on_logarithmic_scales():
    assert exponent([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)
    assert exponent([1, 10, 100], [5, 5, 5]) == pytest.approx(0)
    assert math.isnan(exponent([1, 2, 4], [0.1, 0.2, 0.4], fewest=0.5))
    assert math.isnan(exponent([1, 2], [0.0, -1.0]))


def test_what_a_stage_takes_anyway_does_not_hide_how_it_grows():
    base, *sizes = [size(n, 60 + 5 * n, int(100 + 64 * n)) for n in (0.125, 1, 2, 4)]
    results = Results(base, sizes)
    assert results.exponents("cpu")["Transform"] == pytest.approx(1)
    assert results.exponents("workers")["Transform"] == pytest.approx(1)
    assert math.isnan(results.exponents("peaks")["Transform"])
    time, together, memory = results.goals
    assert (time.reached, together.reached, memory.reached) == (True, True, False)


def test_what_does_not_grow_reaches_its_goal_and_sizes_without_workers_are_left_out():
    base, *sizes = [size(n, 60, worker) for n, worker in [(0.125, 100), (1, 101), (2, 101), (4, 0)]]
    goals = Results(base, sizes).goals
    assert [goal.value for goal in goals] == [0, 0, 0]
    assert all(goal.reached for goal in goals)
