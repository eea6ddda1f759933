"""Products of two square matrices: the fastest that TensorFlow computes here."""

import tensorflow as tf

from benchmarks.contestants import Run
from benchmarks.floor import GEMM_SIZE
from benchmarks.task import Task


def prepare(task: Task) -> Run:
    """A step is a product; see `benchmarks.contestants`."""
    matrix = tf.cast(tf.random.normal([GEMM_SIZE, GEMM_SIZE]), task.precision)

    def run() -> None:
        for _ in range(task.steps):
            product = tf.matmul(matrix, matrix)
        product.numpy()

    return run
