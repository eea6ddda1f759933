"""Cross-entropy from logits, with its gradient by hand.

TensorFlow's own op for indices of classes is several times slower on a CPU than its softmax.
"""

import tensorflow as tf

_LEAST = 1e-37  # a probability that float32 can still hold


def cross_entropy(
    logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean loss of predictions, and their mean negative log-likelihood.

    With smoothing the loss is that against (1 - s) of the target and s of all classes alike.
    Source: Szegedy et al. (2016), "Rethinking the Inception architecture for computer vision".

    Args:
        logits: float32[N, vocab_size].
        targets: int64[N].
        label_smoothing: s, from 0 to 1.

    Returns:
        The loss, and nats per prediction, float32[] each; a gradient can be taken of the loss.
    """
    num_rows, vocab_size = tf.shape(logits)[0], logits.shape[-1]
    smooth = label_smoothing / vocab_size  # of every class

    @tf.custom_gradient
    def loss_and_nats(logits):
        probabilities = tf.nn.softmax(logits)
        chosen = tf.gather(probabilities, targets, batch_dims=1)
        nats = -tf.reduce_mean(tf.math.log(tf.maximum(chosen, _LEAST)))
        loss = nats
        if label_smoothing:
            log_all = tf.math.log(tf.maximum(probabilities, _LEAST))
            of_all = tf.reduce_mean(tf.reduce_sum(log_all, axis=-1))
            loss = (1 - label_smoothing) * nats - smooth * of_all

        def gradient(d_loss, _):
            places = tf.stack([tf.range(num_rows, dtype=targets.dtype), targets], axis=1)
            on_targets = tf.fill([num_rows], 1 - label_smoothing)
            d_logits = tf.tensor_scatter_nd_sub(probabilities - smooth, places, on_targets)
            return d_logits * (d_loss / tf.cast(num_rows, tf.float32))

        return (loss, nats), gradient

    return loss_and_nats(logits)
