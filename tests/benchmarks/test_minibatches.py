import book
import numpy as np
import pytest

from benchmarks.minibatches import minibatches
from benchmarks.task import Task

pytestmark = pytest.mark.fast


def test_they_are_the_books_again_and_again(tmp_path):
    ids = np.arange(30)
    np.save(tmp_path / "ids.npy", ids)
    task = Task("rnn", steps=5, ids=str(tmp_path / "ids.npy"), batch_size=2, num_steps=6)
    expected = list(book.data_iter_consecutive(ids, 2, 6))
    assert len(expected) == 2
    inputs, targets = minibatches(task)
    assert inputs.tolist() == [expected[step % 2][0].tolist() for step in range(5)]
    assert targets.tolist() == [expected[step % 2][1].tolist() for step in range(5)]
