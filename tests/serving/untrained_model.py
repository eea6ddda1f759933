"""A real model, an LSTM that has learnt nothing."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.model import LanguageModel
from modules.signatures.language import ServableModel
from modules.vocabulary.indices import Vocabulary

CHARACTERS = "\n 春天来了花儿开夏雨水多秋叶黄冬雪飘"


def save(directory: Path, seed: int = 1, xla: bool = True) -> Path:
    """Saves it below the directory; says where. Another seed makes another model."""
    file = directory / "characters"
    file.write_text("\n".join(["<unk>", *(str(ord(c)) for c in CHARACTERS)]) + "\n")
    vocabulary = Vocabulary(str(file), "keep")
    sizes = Hyperparameters(cell="lstm", num_hiddens=8, embedding_size=4)
    model = LanguageModel(vocabulary.size, sizes)
    for number, weight in enumerate(model.weights):
        weight.assign(tf.random.stateless_normal(weight.shape, [seed, number]))
    path = directory / "saved"
    ServableModel(model, vocabulary, np.full(vocabulary.size, -3.0), xla=xla).save(str(path))
    return path
