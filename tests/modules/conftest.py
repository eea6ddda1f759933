"""A vocabulary and models small enough to check by hand, and windows as their writer leaves them.

TensorFlow is imported where it is used: the fast tests read this file too.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from modules.hyperparameters import Hyperparameters

CHARACTERS = "\n abc春𠮷"  # indices 1 to 7; 0 is <unk>


def write_lines(path: Path, characters: str) -> str:
    path.write_text("\n".join(["<unk>", *(str(ord(c)) for c in characters)]) + "\n")
    return str(path)


@pytest.fixture
def write_vocabulary(tmp_path) -> Callable[[str], str]:
    """Writes the vocabulary file of these characters, the most frequent first."""
    return lambda characters: write_lines(tmp_path / "characters", characters)


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    """Newline, space, a, b, c, 春 and 𠮷, from index 1 on."""
    from modules.vocabulary import Vocabulary

    return Vocabulary(write_lines(tmp_path_factory.mktemp("v") / "characters", CHARACTERS), "keep")


@pytest.fixture(scope="session")
def build_model() -> Callable:
    """Builds a model of 8 units whose weights are large enough for its answers to differ."""
    import tensorflow as tf

    from modules.fill import FillModel
    from modules.model import LanguageModel, Network

    def build(cell="gru", vocab_size=8, seed=1, task="language", **sizes) -> Network:
        sizes = {"num_hiddens": 8, "embedding_size": 4, "seed": seed} | sizes
        model_class = {"language": LanguageModel, "fill": FillModel}[task]
        model = model_class(vocab_size, Hyperparameters(task=task, cell=cell, **sizes))
        for number, weight in enumerate(model.weights):
            weight.assign(tf.random.stateless_normal(weight.shape, [seed, number]))
        return model

    return build


def write_records(path: Path, examples: Iterable) -> str:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    return str(path)


@pytest.fixture
def write_windows(tmp_path) -> Callable[..., str]:
    """Writes training windows; returns a pattern of their file."""
    from components.examples import make_example

    def write(windows: Iterable[Iterable[int]], name: str = "windows-0.gz") -> str:
        examples = (make_example({"ids": list(ids)}) for ids in windows)
        return write_records(tmp_path / name, examples).replace("-0.gz", "-*")

    return write


@pytest.fixture(scope="session")
def scored_window() -> Callable:
    """Makes the Example of a scored window, without its place; with nats where it has some."""
    from components.examples import make_example

    def make(text, context=0, split="eval", **nats):
        example = make_example({"text": text, "context": context, "split": split})
        for name, values in nats.items():
            example.features.feature[name].float_list.value[:] = values
        return example

    return make


@pytest.fixture
def write_scored(tmp_path) -> Callable[[Iterable], str]:
    """Writes scored windows; returns a pattern of their file."""
    return lambda examples: write_records(tmp_path / "scored-0.gz", examples)[:-4] + "*"
