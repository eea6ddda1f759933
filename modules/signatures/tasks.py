"""The tasks: of each, its model and what that is served as."""

import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel
from modules.network.model import LanguageModel, Network
from modules.signatures.filling import ServableFillModel
from modules.signatures.language import ServableModel
from modules.signatures.servable import Servable
from modules.vocabulary.indices import Vocabulary


def make_model(
    hyperparameters: Hyperparameters,
    vocabulary: Vocabulary,
    unigram: tf.Tensor,
    cache_weight: float,
) -> tuple[Network, Servable]:
    """A new model for the task of the hyperparameters, and what it is served as.

    Args:
        hyperparameters: the model's.
        vocabulary: what it is trained with.
        unigram: see `Servable`.
        cache_weight: see `ServableModel`, the only one that it is for.
    """
    if hyperparameters.task == "fill":
        fill_model = FillModel(vocabulary.size, hyperparameters)
        return fill_model, ServableFillModel(fill_model, vocabulary, unigram)
    model = LanguageModel(vocabulary.size, hyperparameters)
    xla = hyperparameters.xla
    return model, ServableModel(model, vocabulary, unigram, cache_weight, xla=xla)
