"""Keras 3 as its guide says: a Sequential model with an Embedding, compiled, and `fit`.

`jit_compile` is off: with it, which is Keras's own choice here, training takes longer.
"""

import keras

from benchmarks.contestants import Run
from benchmarks.minibatches import minibatches
from benchmarks.task import Task

_LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def prepare(task: Task) -> Run:
    """See `benchmarks.contestants`."""
    model = keras.Sequential(
        [
            keras.layers.Embedding(task.vocab_size, task.num_hiddens),
            _LAYERS[task.cell](task.num_hiddens, return_sequences=True),
            keras.layers.Dense(task.vocab_size),
        ]
    )
    model.compile(
        keras.optimizers.SGD(task.learning_rate, global_clipnorm=task.clip_norm),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    # In one array: fit cuts it into minibatches again.
    inputs, targets = (ids.reshape(-1, task.num_steps) for ids in minibatches(task))

    def run() -> None:
        model.fit(inputs, targets, task.batch_size, shuffle=False, verbose=0)

    return run
