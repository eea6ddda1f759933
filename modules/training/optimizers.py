"""The optimizer that the hyperparameters describe, of Keras's.

Sources: Kingma & Ba (2015), "Adam"; Loshchilov & Hutter (2019), "Decoupled weight decay
regularization", and (2017), "SGDR", for the cosine.
"""

import keras

from modules.hyperparameters import Hyperparameters

_OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
}

# What is added, and what layers are normalised to: only matrices are to stay small.
_NOT_DECAYED = ["bias", "gamma", "beta"]


def make_optimizer(hyperparameters: Hyperparameters, num_steps: int) -> keras.optimizers.Optimizer:
    """Makes it anew.

    Args:
        hyperparameters: which, and its options.
        num_steps: minibatches of the whole training, for the schedule.
    """
    options = {}
    if hyperparameters.optimizer == "adamw":
        options["weight_decay"] = hyperparameters.weight_decay
    rate = _learning_rate(hyperparameters, num_steps)
    optimizer = _OPTIMIZERS[hyperparameters.optimizer](rate, **options)
    if hyperparameters.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return optimizer


def _learning_rate(
    hyperparameters: Hyperparameters, num_steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    rate, warmup = hyperparameters.learning_rate, hyperparameters.warmup_steps
    if hyperparameters.schedule == "constant" and not warmup:
        return rate
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else rate,
        decay_steps=max(num_steps - warmup, 1),
        alpha=0.0 if hyperparameters.schedule == "cosine" else 1.0,  # of the rate, at the end
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
