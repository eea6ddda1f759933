"""The tasks: of each, its model and what that is served as."""

import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel
from modules.network.model import LanguageModel
from modules.signatures.filling import ServableFillModel
from modules.signatures.language import ServableModel
from modules.signatures.servable import Servable
from modules.vocabulary.indices import Vocabulary


def make_servable(
    hyperparameters: Hyperparameters,
    vocabulary: Vocabulary,
    unigram: tf.Tensor,
    cache_weight: float,
) -> Servable:
    """A new model for the task of the hyperparameters, as what it is served as.

    Args:
        hyperparameters: the model's.
        vocabulary: what it is trained with.
        unigram: see `Servable`.
        cache_weight: see `ServableModel`, the only one that it is for.
    """
    if hyperparameters.task == "fill":
        return ServableFillModel(FillModel(vocabulary.size, hyperparameters), vocabulary, unigram)
    model = LanguageModel(vocabulary.size, hyperparameters)
    return ServableModel(model, vocabulary, unigram, cache_weight, hyperparameters.xla)
