import pytest

from benchmarks.floor import flops
from benchmarks.task import Task

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(("cell", "columns"), [("rnn", 2 + 5), ("gru", 6 + 5), ("lstm", 8 + 5)])
def test_a_multiplication_and_an_addition_three_times(cell, columns):
    task = Task(cell, batch_size=3, num_steps=4, num_hiddens=2, vocab_size=5)
    assert flops(task) == 3 * 2 * (3 * 4) * 2 * columns
