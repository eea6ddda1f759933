"""The book's training loop: Keras layers called eagerly, one-hot inputs, a tape.

Source: Dive into Deep Learning, TensorFlow 2 edition, sections 6.5 to 6.8, written anew. One
thing is mended: the loss takes the logits for logits, not for probabilities.
"""

import keras
import tensorflow as tf

from benchmarks.contestants import Run
from benchmarks.minibatches import minibatches
from benchmarks.task import Task

_LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def prepare(task: Task) -> Run:
    """See `benchmarks.contestants`."""
    recurrent = _LAYERS[task.cell](task.num_hiddens, return_sequences=True, return_state=True)
    dense = keras.layers.Dense(task.vocab_size)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(task.learning_rate)
    zeros = tf.zeros([task.batch_size, task.num_hiddens])
    batches = list(zip(*minibatches(task), strict=True))

    def run() -> None:
        state = [zeros] * (2 if task.cell == "lstm" else 1)
        total = 0.0
        for inputs, targets in batches:
            with tf.GradientTape() as tape:
                one_hot = tf.one_hot(inputs, task.vocab_size)  # [batch, steps, vocab_size]
                outputs, *state = recurrent(one_hot, initial_state=state)
                logits = dense(tf.reshape(outputs, [-1, task.num_hiddens]))
                loss = loss_of(targets.reshape(-1), logits)
            weights = [*recurrent.trainable_weights, *dense.trainable_weights]
            gradients = tape.gradient(loss, [weight.value for weight in weights])
            optimizer.apply(_clip(gradients, task.clip_norm), weights)
            total += float(loss)

    return run


def _clip(gradients: list[tf.Tensor], clip_norm: float) -> list[tf.Tensor]:
    """Section 6.4.5: scales the gradients down to a global norm."""
    norm = sum(float(tf.reduce_sum(gradient**2)) for gradient in gradients) ** 0.5
    return (
        [gradient * clip_norm / norm for gradient in gradients] if norm > clip_norm else gradients
    )
