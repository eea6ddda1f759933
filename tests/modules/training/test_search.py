import keras_tuner
import pytest

from modules.hyperparameters import Hyperparameters
from modules.training.search import search_space, values_of, with_values


def draw(hyperparameters: Hyperparameters, number: int = 50) -> list[dict]:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        hyperparameters=search_space(hyperparameters), seed=1
    )
    return [oracle.populate_space(str(trial))["values"] for trial in range(number)]


def test_it_looks_around_what_is_configured():
    given = Hyperparameters(
        learning_rate=0.01, num_hiddens=8, embedding_size=1, dropout=0.5, cell="lstm"
    )
    drawn = draw(given)
    assert all(0.0025 <= values["learning_rate"] <= 0.04 for values in drawn)
    # As often below the configured one as above it.
    assert 15 < sum(values["learning_rate"] < 0.01 for values in drawn) < 35
    assert {values["num_hiddens"] for values in drawn} == {4, 8, 16}
    assert {values["embedding_size"] for values in drawn} == {1, 2}
    assert {values["dropout"] for values in drawn} == {0.0, 0.15, 0.3, 0.45, 0.5, 0.6}
    assert with_values(given, search_space(given).values) == given
    assert all(with_values(given, values).cell == "lstm" for values in drawn)


@pytest.mark.parametrize(
    "given",
    [
        Hyperparameters(num_hiddens=8, embedding_size=8, tie_weights=True),
        Hyperparameters(num_hiddens=8, embedding_size=0, from_scratch=True),
        Hyperparameters(num_hiddens=1, dropout=0.2, variational_dropout=True),
    ],
)
def test_every_draw_makes_sense(given):
    made = [with_values(given, values) for values in draw(given)]  # ConfigError, if one does not
    assert len({hyperparameters.num_hiddens for hyperparameters in made}) > 1


def test_values_are_read_from_what_the_tuner_writes():
    space = search_space(Hyperparameters(num_hiddens=8))
    space.values["num_hiddens"] = 16
    assert values_of(space.get_config()) == space.values
    assert values_of(space.get_config())["num_hiddens"] == 16
