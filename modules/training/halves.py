"""A minibatch in two halves, which TensorFlow trains on side by side.

The steps of a recurrent layer are many small products, one after the other, which two processors
cannot share out without waiting for each other. Halves do not depend on each other before their
gradients are added up.
"""

import os
from contextlib import suppress

import tensorflow as tf

_HALVES = 2


def divide_processors() -> None:
    """Gives each half its share of the processors, to use for one operation.

    It has to come before the first operation of the process. TensorFlow cannot be told later, and
    goes on using all of them for each: what is computed stays the same, but takes longer.
    """
    share = max(1, len(os.sched_getaffinity(0)) // _HALVES)
    with suppress(RuntimeError):  # it has begun
        tf.config.threading.set_intra_op_parallelism_threads(share)


def halves_of(batch_size: int) -> list[slice]:
    """Which rows of a minibatch each half has.

    A row alone is all there is; and to a GPU a minibatch goes whole, as it is fast by having much
    to do at once.
    """
    if batch_size < _HALVES or tf.config.list_physical_devices("GPU"):
        return [slice(batch_size)]
    middle = batch_size // _HALVES
    return [slice(middle), slice(middle, batch_size)]
