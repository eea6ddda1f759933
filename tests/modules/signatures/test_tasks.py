import numpy as np
import pytest

from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel
from modules.network.model import LanguageModel
from modules.signatures.filling import ServableFillModel
from modules.signatures.language import ServableModel
from modules.signatures.tasks import make_servable


@pytest.mark.parametrize(
    ("task", "classes"),
    [("language", (LanguageModel, ServableModel)), ("fill", (FillModel, ServableFillModel))],
)
def test_a_task_has_a_model_and_what_it_is_served_as(vocabulary, task, classes):
    hyperparameters = Hyperparameters(task=task, num_hiddens=8, embedding_size=4)
    servable = make_servable(hyperparameters, vocabulary, np.zeros(8), 0.1)
    assert (type(servable.model), type(servable)) == classes
    assert servable.model.vocab_size == 8
