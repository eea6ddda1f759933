import os
import subprocess
import sys
from itertools import chain

import pytest
import tensorflow as tf

from modules.training.halves import divide_processors, halves_of

ASK = """
import sys
import tensorflow as tf
from modules.training.halves import divide_processors
if sys.argv[1] == "late":
    tf.constant(1)
divide_processors()
print(tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1]), (2, [1, 1]), (5, [2, 3])])
def test_each_row_is_in_one_of_them(batch_size, sizes):
    rows = [list(range(batch_size))[half] for half in halves_of(batch_size)]
    assert list(map(len, rows)) == sizes
    assert list(chain(*rows)) == list(range(batch_size))


def test_to_a_gpu_it_goes_whole(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert halves_of(32) == [slice(32)]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["first", "late"])
def test_an_operation_has_half_of_the_processors_if_that_is_said_in_time(when):
    told = subprocess.run(
        [sys.executable, "-c", ASK, when], capture_output=True, text=True, check=True
    )
    half = max(1, len(os.sched_getaffinity(0)) // 2)
    assert int(told.stdout) == {"first": half, "late": 0}[when]  # 0 is as many as there are


def test_it_may_be_said_again():
    divide_processors()
    divide_processors()
