"""A vocabulary and models small enough to check by hand, and windows as their writer leaves them.

TensorFlow is imported where it is used: the fast tests read this file too.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from modules.hyperparameters import Hyperparameters
from modules.ngrams.options import NgramOptions
from modules.vocabulary.characters import VocabularyOptions
from modules.windows.windowing import WindowOptions

CHARACTERS = "\n abc春𠮷"  # indices 1 to 7; 0 is <unk>

# What the Trainer is given.
LYRICS = "春天 a\n来了 ab\n" * 12
HYPERPARAMETERS = Hyperparameters(
    num_hiddens=8,
    embedding_size=4,
    learning_rate=0.02,
    num_epochs=3,
    dropout=0.2,
    sample_every=3,
    prefixes=("春",),
)
WINDOWS = WindowOptions("consecutive", batch_size=2, num_steps=5)
# As if an n-gram model had given every character of the validation text P = 1/8, and a cache
# that knows none of it 1/512.
NATS = {"validation": {"ngram_nats": [math.log(8)] * 6, "cache_nats": [math.log(512)] * 6}}


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
    from modules.vocabulary.indices import Vocabulary

    return Vocabulary(write_lines(tmp_path_factory.mktemp("v") / "characters", CHARACTERS), "keep")


@pytest.fixture(scope="session")
def build_model() -> Callable:
    """Builds a model of 8 units whose weights are large enough for its answers to differ."""
    import tensorflow as tf

    from modules.network.fill import FillModel
    from modules.network.model import LanguageModel, Network

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


@pytest.fixture(scope="session")
def transformed(tmp_path_factory) -> tuple[str, list[int]]:
    """Transform's output, with the vocabulary that tf.Transform wrote, and LYRICS' indices."""
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

    from modules.preprocessing import preprocessing_fn

    directory = tmp_path_factory.mktemp("transform")
    metadata = DatasetMetadata.from_feature_spec({"text": tf.io.FixedLenFeature([1], tf.string)})
    config = {"vocabulary": dataclasses.asdict(VocabularyOptions())}
    with tft_beam.Context(temp_dir=str(directory / "temporary")):
        (data, _), transform_fn = (
            [{"text": [LYRICS.encode()]}],
            metadata,
        ) | tft_beam.AnalyzeAndTransformDataset(lambda inputs: preprocessing_fn(inputs, config))
        transform_fn | tft_beam.WriteTransformFn(str(directory / "output"))
    return str(directory / "output"), data[0]["ids"].tolist()


@pytest.fixture
def fn_args(transformed, tmp_path, write_windows, write_scored, scored_window) -> Callable:
    """Makes the arguments of one execution; each has directories of its own."""
    from tfx.components.trainer.fn_args_utils import FnArgs

    transform_output, ids = transformed
    layout = WINDOWS.training([len(ids)])
    train_files = write_windows(ids[slice(*layout.window(i))] for i in range(layout.num_windows))

    def make(
        name: str, splits=("train", "eval"), mixture=False, hyperparameters=None, **changes
    ) -> FnArgs:
        texts = {"train": LYRICS[:60], "validation": "春天 ab\n", "eval": "来了 ab\n"}
        nats = NATS if mixture else {}
        scored = write_scored(
            scored_window(texts[split], split=split, **nats.get(split, {})) for split in splits
        )
        config = {
            "hyperparameters": dataclasses.asdict(dataclasses.replace(HYPERPARAMETERS, **changes)),
            "vocabulary": dataclasses.asdict(VocabularyOptions()),
            "windows": dataclasses.asdict(WINDOWS),
            "ngram": dataclasses.asdict(NgramOptions()),
            "work_dir": str(tmp_path / "work"),
            "mixture": mixture,
            "source_digest": "abc",
        }
        return FnArgs(
            train_files=[train_files],
            eval_files=[scored],
            transform_graph_path=transform_output,
            serving_model_dir=str(tmp_path / name / "Format-Serving"),
            model_run_dir=str(tmp_path / name / "model_run"),
            hyperparameters=hyperparameters,
            custom_config=json.loads(json.dumps(config)),
        )

    return make
