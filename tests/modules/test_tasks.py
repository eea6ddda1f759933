import numpy as np
import pytest

from modules.fill import FillModel
from modules.fill_signatures import ServableFillModel
from modules.hyperparameters import Hyperparameters
from modules.model import LanguageModel
from modules.signatures import ServableModel
from modules.tasks import make_model


@pytest.mark.parametrize(
    ("task", "classes"),
    [("language", (LanguageModel, ServableModel)), ("fill", (FillModel, ServableFillModel))],
)
def test_a_task_has_a_model_and_what_it_is_served_as(vocabulary, task, classes):
    hyperparameters = Hyperparameters(task=task, num_hiddens=8, embedding_size=4)
    model, servable = make_model(hyperparameters, vocabulary, np.zeros(8), 0.1)
    assert (type(model), type(servable)) == classes
    assert servable._model() is model
    assert model.vocab_size == 8
