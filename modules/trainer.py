"""Trainer's entry point: builds the model, trains it, exports it."""

import hashlib
import json
import logging
import os

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from modules import dataset, features
from modules.hyperparameters import (
    HYPERPARAMETERS,
    MIXTURE,
    NGRAM,
    VOCABULARY,
    WINDOWS,
    WORK_DIR,
    Hyperparameters,
    VocabularyOptions,
)
from modules.mixture import PARTS, fit_weights
from modules.model import LanguageModel
from modules.ngram_options import NgramOptions
from modules.perplexity import Tally
from modules.scoring import unigram_log_probabilities
from modules.signatures import ServableModel
from modules.training import Data, Training
from modules.versions import copy_tree
from modules.vocabulary import VOCABULARY_NAME, Vocabulary
from modules.windowing import WindowOptions

_logger = logging.getLogger(__name__)

SAMPLE_CHARS = 50  # as many as the book prints
_SCORING_BATCH = 64  # windows


def run_fn(fn_args: FnArgs) -> None:
    """Trains on the `train` windows and writes the SavedModel.

    `fn_args.train_files` are the training windows, `fn_args.eval_files` the scored windows
    of all splits. `fn_args.custom_config` holds the fields of `Hyperparameters`,
    `VocabularyOptions`, `WindowOptions` and `NgramOptions` under `hyperparameters`,
    `vocabulary`, `windows` and `ngram`, whether to fit a mixture under `mixture`, and under
    `work_dir` where unfinished trainings are kept. Which epoch's weights
    are kept is decided on the split `validation` where there is one, else on `eval`. With
    `mixture` the weights of the mixture are fitted on `validation` at the end.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters(**config[HYPERPARAMETERS])
    options = WindowOptions(**config[WINDOWS])
    keras.utils.set_random_seed(hyperparameters.seed)
    tf.config.experimental.enable_op_determinism()

    transform = tft.TFTransformOutput(fn_args.transform_output)
    vocabulary = Vocabulary(
        str(transform.vocabulary_file_by_name(VOCABULARY_NAME)),
        VocabularyOptions(**config[VOCABULARY]).newline,
    )
    model = LanguageModel(vocabulary.size, hyperparameters)
    scored = {
        split: dataset.scored_batches(fn_args.eval_files, split, _SCORING_BATCH)
        for split in features.SPLITS
    }
    unigram = unigram_log_probabilities(scored[features.TRAIN], vocabulary)
    cache_weight = NgramOptions(**config[NGRAM]).cache_weight
    servable = ServableModel(model, vocabulary, unigram, cache_weight)

    decisive = _decisive_split(scored)
    held_out = scored[decisive].cache() if decisive else None
    work_dir = _work_dir(fn_args)
    training = Training(
        model,
        Data(fn_args.train_files, options),
        hyperparameters,
        held_out_perplexity=(lambda: tally(servable, held_out).perplexity) if held_out else None,
        sample=lambda prefix: sample(servable, prefix),
        work_dir=work_dir,
        held_out_name=features.SPLITS[decisive or features.EVAL],
    )
    training.run()
    if config[MIXTURE]:
        fit_mixture(servable, scored[features.VALIDATION])
    servable.save(fn_args.serving_model_dir)
    copy_tree(os.path.join(work_dir, "logs"), fn_args.model_run_dir)
    tf.io.gfile.rmtree(work_dir)


def _decisive_split(scored: dict[str, tf.data.Dataset]) -> str | None:
    """On which an epoch is judged: `validation` where there is one, else `eval`, else none."""
    for split in (features.VALIDATION, features.EVAL):
        if any(True for _ in scored[split].take(1)):
            return split
    return None


def fit_mixture(servable: ServableModel, batches: tf.data.Dataset) -> None:
    """Gives the mixture the weights under which the windows in `batches` are likeliest."""
    log_probabilities = tf.function(servable.log_probabilities)
    parts = np.concatenate([log_probabilities(batch).numpy() for batch in batches])
    # Of a cache that is switched off nothing is known.
    parts = np.where(np.isnan(parts).all(axis=0), -np.inf, parts)  # [characters, 3]
    weights = fit_weights(parts)
    servable.mixture_weights.assign(weights)
    named = zip(PARTS, weights, strict=True)
    _logger.info("mixture: %s", ", ".join(f"{name} {weight:.2f}" for name, weight in named))


def tally(servable: ServableModel, batches: tf.data.Dataset) -> Tally:
    """Scores the windows in `batches`, string[B] each, by the signature the Evaluator uses."""
    result = Tally()
    for batch in batches:
        outputs = servable.evaluate(batch)
        for row in zip(*(outputs[name].numpy() for name in features.TALLIED), strict=True):
            result.add(*row)
    return result


def sample(servable: ServableModel, prefix: str) -> str:
    """The likeliest text after `prefix`."""
    answer = servable.generate(
        prefix=tf.constant([prefix]),
        num_chars=tf.constant([SAMPLE_CHARS]),
        temperature=tf.constant([0.0]),
        top_k=tf.constant([0]),
        seed=tf.constant([0], tf.int64),
    )
    return answer[features.TEXT].numpy()[0].decode()


def _work_dir(fn_args: FnArgs) -> str:
    """Where this very training keeps its checkpoints: same data and options, same place.

    TFX gives every execution a new output directory, so a killed run's checkpoints would
    not be found there.
    """
    identity = [fn_args.train_files, fn_args.transform_output, fn_args.custom_config]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return os.path.join(fn_args.custom_config[WORK_DIR], digest[:16])
