"""A model as it is pushed, of the benchmarks' sizes, and its weights for whoever loads no model."""

from pathlib import Path

import numpy as np

from benchmarks.writing import NUM_HIDDENS, PREFIX, VOCAB_SIZE
from modules.vocabulary.indices import UNKNOWN

VERSIONS = "lyrics"  # the base path, in the model's directory
_WEIGHTS = "weights.npz"
_CHARACTERS = "characters"


def export(cell: str, directory: Path, signatures: tuple[str, ...] = ()) -> None:
    """Writes an untrained model: `VERSIONS`/1, and its weights beside it.

    `<unk>`, which a served model never writes and the book's loop might, is made most unlikely.

    Args:
        cell: "rnn", "gru" or "lstm".
        directory: where to.
        signatures: the only ones that the model is to have, without requests to warm it up, which
            is sooner done; none stands for all, as they are pushed.
    """
    import keras  # with TensorFlow: not for those that read weights
    import tensorflow as tf

    from modules.hyperparameters import Hyperparameters
    from modules.network.model import LanguageModel
    from modules.signatures.language import ServableModel
    from modules.vocabulary.indices import UNKNOWN_ID, Vocabulary

    keras.utils.set_random_seed(0)
    directory.mkdir(parents=True)
    others = (chr(code) for code in range(ord("一"), ord("一") + VOCAB_SIZE))
    characters = [*PREFIX, *(c for c in others if c not in PREFIX)][: VOCAB_SIZE - 1]
    codes = [str(ord(character)) for character in characters]
    (directory / _CHARACTERS).write_text("\n".join([UNKNOWN, *codes]) + "\n", "utf-8")
    options = Hyperparameters(cell=cell, num_hiddens=NUM_HIDDENS, embedding_size=0)  # type: ignore
    model = LanguageModel(VOCAB_SIZE, options)
    for weight in model.weights[:-2]:
        weight.assign(weight.value * 2)  # so that it does not write one character for ever
    bias = np.zeros(VOCAB_SIZE, np.float32)
    bias[UNKNOWN_ID] = -100.0
    model.weights[-1].assign(bias)
    vocabulary = Vocabulary(str(directory / _CHARACTERS), "space")
    servable = ServableModel(model, vocabulary, np.zeros(VOCAB_SIZE), xla=True)
    path = str(directory / VERSIONS / "1")
    if signatures:
        for name in set(servable.signatures) - set(signatures):
            delattr(servable, name)  # else it is traced all the same
        functions = {name: getattr(servable, name) for name in signatures}
        tf.saved_model.save(servable, path, functions)
    else:
        servable.save(path)
    np.savez(directory / _WEIGHTS, *(np.array(weight.value) for weight in model.weights))


def read_weights(directory: str) -> tuple[list[np.ndarray], list[str]]:
    """The weights, those of the logits last, and the character of each index."""
    with np.load(Path(directory) / _WEIGHTS) as arrays:
        weights = [arrays[name] for name in arrays.files]
    unknown, *codes = (Path(directory) / _CHARACTERS).read_text("utf-8").split()
    return weights, [unknown, *(chr(int(code)) for code in codes)]
