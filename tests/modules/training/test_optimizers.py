import keras
import numpy as np
import pytest

from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.training.optimizers import make_optimizer

# Norm 13.
GRADIENTS = [np.array([[3.0, 0], [0, 4]], np.float32), np.array([12.0], np.float32)]


def step(gradients=GRADIENTS, num_steps=0, **options) -> list[np.ndarray]:
    """What a step of SGD with a learning rate of 1 takes off the weights."""
    optimizer = make_optimizer(
        Hyperparameters(optimizer="sgd", learning_rate=1.0, **options), num_steps
    )
    weights = [keras.Variable(np.zeros_like(gradient)) for gradient in gradients]
    optimizer.apply(gradients, weights)
    return [-weight.numpy() for weight in weights]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", keras.optimizers.SGD),
        ("adam", keras.optimizers.Adam),
        ("adamw", keras.optimizers.AdamW),
    ],
)
def test_every_optimizer_is_keras_s(name, kind):
    optimizer = make_optimizer(Hyperparameters(optimizer=name, learning_rate=0.125), 10)
    assert type(optimizer) is kind
    assert float(optimizer.learning_rate) == 0.125


def rates(num_steps, **options) -> list[float]:
    """The learning rate before each step, and after the last."""
    hyperparameters = Hyperparameters(learning_rate=0.5, optimizer="sgd", **options)
    optimizer = make_optimizer(hyperparameters, num_steps)
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    values = []
    for _ in range(num_steps + 1):
        values.append(float(optimizer.learning_rate))
        optimizer.apply([np.float32(0)], [weight])
    return values


def test_cosine_with_warm_up():
    """Up from 0 in 4 steps, then half a cosine down to 0 in 8."""
    values = rates(12, schedule="cosine", warmup_steps=4)
    rising = [0, 0.125, 0.25, 0.375]
    falling = [0.25 * (1 + np.cos(np.pi * step / 8)) for step in range(9)]
    np.testing.assert_allclose(values, rising + falling, atol=1e-6)
    assert values[4] == pytest.approx(0.5)
    assert values[-1] == pytest.approx(0)


def test_cosine_without_warm_up_begins_at_the_top():
    assert rates(4, schedule="cosine") == pytest.approx([0.5, 0.4267767, 0.25, 0.0732233, 0])


def test_a_constant_rate_after_warm_up():
    assert rates(6, warmup_steps=2) == pytest.approx([0, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5])


def test_a_warm_up_longer_than_the_training_only_rises():
    assert rates(3, schedule="cosine", warmup_steps=10) == pytest.approx([0, 0.05, 0.1, 0.15])


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "gru", "layer_norm": True},
        {"cell": "gru", "from_scratch": True, "embedding_size": 0},
        {"cell": "lstm", "embedding_size": 8, "tie_weights": True},
    ],
)
def test_weight_decay_leaves_alone_what_is_no_matrix(options):
    """Without gradients only the decay is left: a weight loses rate * decay of itself."""
    hyperparameters = Hyperparameters(
        optimizer="adamw", learning_rate=0.5, weight_decay=0.5, num_hiddens=8, **options
    )
    weights = LanguageModel(6, hyperparameters).weights
    for weight in weights:
        weight.assign(np.ones(weight.shape))
    optimizer = make_optimizer(hyperparameters, 1)
    optimizer.apply([np.zeros(weight.shape, np.float32) for weight in weights], weights)
    for weight in weights:
        # A GRU's two biases are one array.
        is_matrix = len(weight.shape) == 2 and weight.shape[0] != 2
        np.testing.assert_allclose(weight.numpy(), 0.75 if is_matrix else 1.0)
