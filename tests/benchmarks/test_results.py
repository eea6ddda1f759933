import pytest

from benchmarks.results import (
    BOOK,
    OURS,
    OURS_EMBEDDING,
    PYTORCH,
    Epoch,
    Memorised,
    Results,
)

pytestmark = pytest.mark.fast

MILLISECONDS = {
    BOOK: {"gru": 200.0},
    PYTORCH["bfloat16"]: {"gru": 20.0},
    OURS["float32"]: {"gru": 25.0},
    OURS["bfloat16"]: {"gru": 20.0},
    OURS_EMBEDDING["bfloat16"]: {"gru": 21.0},
}


def test_each_figure_stands_beside_what_it_is_to_be():
    goals = {goal.name: goal for goal in Results(MILLISECONDS).goals}
    assert {name: goal.value for name, goal in goals.items()} == {
        "gru, float32: times as fast as the book's loop": 8.0,
        "gru, bfloat16: times as fast as the book's loop": 10.0,
        "gru, bfloat16: times PyTorch's time": pytest.approx(1.05),
    }
    assert [goal.reached for goal in goals.values()] == [True, False, False]


def test_time_and_memory_are_compared_between_the_shortest_and_the_longest_corpus():
    mebibyte = 2**20
    epochs = [
        Epoch(1_000, 1.0, 100 * mebibyte),
        Epoch(9_000, 90.0, 900 * mebibyte),
        Epoch(10_000, 12.0, 110 * mebibyte),
    ]
    time, memory = Results({}, epochs).goals
    assert time.value == pytest.approx(0.2)
    assert not time.reached
    assert memory.value == 10
    assert memory.reached


def test_the_books_epochs_are_reckoned_from_its_steps():
    results = Results(MILLISECONDS, memorised=Memorised(1.04, 20, 4.0))
    assert results.book_seconds == pytest.approx(0.2 * 8 * 160)
    assert results.goals[-1].value == pytest.approx(64)
    assert results.goals[-1].reached
    assert "256 s for its 160 epochs" in results.remarks[-1]
