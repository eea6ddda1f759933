"""The least time in which a training step's products can be computed."""

from benchmarks.task import Task

GEMM_SIZE = 1_024  # rows and columns of the matrices whose products are timed
GEMM_FLOPS = 2 * GEMM_SIZE**3  # of one product

# Units of a cell's gates, in num_hiddens.
_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def flops(task: Task) -> int:
    """Floating-point operations of one step's products, forward and backward.

    The product with the inputs is none: a one-hot vector's is a row of the matrix, looked up.
    For each character there remain the product of the state with the recurrent weights and
    that of the outputs with the logits', and backward, for each, the gradients of both factors.
    """
    gates = _GATES[task.cell] * task.num_hiddens
    products = 2 * task.num_hiddens * (gates + task.vocab_size)
    return 3 * products * task.batch_size * task.num_steps
