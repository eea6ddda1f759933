"""Perplexity of held-out text: a whole run of the pipeline on a corpus, and n-grams beside it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import tensorflow as tf
from ml_metadata.proto.metadata_store_pb2 import Artifact
from tfx.components.util import examples_utils
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from benchmarks.corpora import CORPORA
from benchmarks.goal import Goal
from benchmarks.lyrics import write_lyrics
from components import ngrams
from components.examples import ids_of, place_of, text_of
from modules import contract, features
from modules.evaluation.figures import (
    CHARACTERS,
    MIXTURE_PERPLEXITY,
    NGRAM_CACHE_PERPLEXITY,
    PERPLEXITY,
    UNIFORM_PERPLEXITY,
    UNIGRAM_PERPLEXITY,
)
from modules.evaluation.perplexity import Tally
from modules.ngrams.counts import NgramCounts
from modules.ngrams.kneser_ney import KneserNey
from modules.vocabulary.indices import UNKNOWN_ID
from pipeline import local
from pipeline.config import PRESETS
from pipeline.metadata import Run, summarise

ORDERS = range(2, 7)
_LONGEST = f"{max(ORDERS)}-gram"
_WITH_CACHE = f"{_LONGEST} and cache"

# What every run has: the longest n-grams, the mixture, and its weights' own text.
_COMMON = {"ngram_order": max(ORDERS), "mixture": True, "validation_ratio": 0.05}
# What a corpus of millions of characters is trained with, instead of what the preset says.
_SONGCI = {
    "sampling": "random",
    "random_offset": True,
    "batch_size": 32,
    "num_steps": 70,  # a poem's length
    "stride": 256,
    "context": 256,
    "num_hiddens": 384,
    "tie_weights": True,
    "embedding_size": 384,
    "dropout": 0.2,
    "variational_dropout": False,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "learning_rate": 4e-3,
    "schedule": "cosine",
    "label_smoothing": 0.0,
    "precision": "bfloat16",
    "num_epochs": 5,
    "patience": 0,
}
_OPTIONS: dict[str, dict[str, Any]] = {"bundled": {}, "jaychou": {}, "songci": _SONGCI}


@dataclass(frozen=True)
class HeldOut:
    """How well the models know the held-out text of a corpus.

    Attributes:
        corpus: its name.
        characters: how many were scored.
        perplexities: by model.
        seconds: that counting n-grams and training the network took; 0 if a run before did it.
        mixture_weights: by part.
        samples: what the network writes, by prefix.
    """

    corpus: str
    characters: int
    perplexities: dict[str, float]
    seconds: dict[str, float]
    mixture_weights: dict[str, float] = field(default_factory=dict)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def goals(self) -> list[Goal]:
        """Of this corpus."""
        of = self.perplexities
        ngram = min(of[f"{order}-gram"] for order in ORDERS)
        parts = min(of["network"], of[_LONGEST], of[_WITH_CACHE])
        goals = [Goal(f"{self.corpus}: mixture, of its best part", of["mixture"] / parts, 0.999)]
        if self.corpus == "songci":
            goals += [
                Goal("songci: network, of the best n-gram", of["network"] / ngram, 0.6),
                Goal("songci: seconds to train the network", self.seconds["network"], 600),
            ]
        return goals


def measure(corpus: str, root: str, overrides: dict[str, Any], on_stage: local.OnStage) -> HeldOut:
    """Runs the pipeline on a corpus and reads what it came to.

    Args:
        corpus: one of CORPORA.
        root: what is done there already is not done again.
        overrides: options in place of the corpus's own.
        on_stage: see `pipeline.local.run`.
    """
    config = PRESETS["lyrics"].override(
        {
            **_COMMON,
            **_OPTIONS[corpus],
            "data": str(CORPORA[corpus]),
            "root": os.path.join(root, corpus),
            **overrides,
        }
    )
    local.run(config, on_stage)
    summary, run = summarise(config), Run(config)
    figures = summary.splits[features.EVAL]
    model = tf.saved_model.load(path_utils.serving_model_path(run.output("Trainer", "model").uri))
    seconds = {stage.name: stage.seconds for stage in summary.stages}
    return HeldOut(
        corpus,
        int(figures[CHARACTERS]),
        {
            "uniform": figures[UNIFORM_PERPLEXITY],
            "unigram": figures[UNIGRAM_PERPLEXITY],
            **_ngram_perplexities(run),
            _WITH_CACHE: figures[NGRAM_CACHE_PERPLEXITY],
            "network": figures[PERPLEXITY],
            "mixture": figures[MIXTURE_PERPLEXITY],
        },
        {"n-grams": seconds["NgramModel"], "network": seconds["Trainer"]},
        summary.mixture_weights or {},
        write_lyrics(model.signatures[contract.GENERATE], temperature=0.8),
    )


def score_ngrams(
    documents: Iterable[tuple[np.ndarray, str]], counts: NgramCounts, order: int
) -> float:
    """The perplexity of documents under an n-gram model, each read after a line end.

    Args:
        documents: indices int64[n] and the n characters that they stand for.
        counts: of the training text, of this order or more.
        order: of the model.
    """
    model, tally = KneserNey(counts, order), Tally()
    for ids, text in documents:
        nats = -model.log_probabilities(np.append(counts.line_end, ids))[1:].sum()
        unknown = "".join(np.array(list(text))[ids == UNKNOWN_ID])
        tally.add(
            {
                contract.NATS: nats,
                contract.CHARACTERS: len(ids),
                contract.UNKNOWN_CHARACTERS: unknown.encode(),
            }
        )
    return tally.perplexity


def _ngram_perplexities(run: Run) -> dict[str, float]:
    """Of the shorter n-grams too: the pipeline scores with the longest only."""
    counts = ngrams.load(run.output("NgramModel", "ngram").uri)
    documents = _held_out_documents(run.output("Transform", "transformed_examples"))
    return {f"{order}-gram": score_ngrams(documents, counts, order) for order in ORDERS}


def _held_out_documents(artifact: Artifact) -> list[tuple[np.ndarray, str]]:
    examples = standard_artifacts.Examples()
    examples.set_mlmd_artifact(artifact)
    files = tf.io.gfile.glob(examples_utils.get_split_file_patterns([examples], features.EVAL))
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    parts = sorted(map(tf.train.Example.FromString, records), key=place_of)
    documents = [list(of_one) for _, of_one in groupby(parts, lambda part: place_of(part)[0])]
    return [
        (np.concatenate([ids_of(part) for part in document]), "".join(map(text_of, document)))
        for document in documents
    ]
