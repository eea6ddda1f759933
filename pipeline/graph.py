"""The pipeline on one screen: its nodes, in the order in which the data passes them."""

import os
from dataclasses import asdict

from tfx import v1 as tfx

from components.baseline_model import BaselineModel
from components.entry_points import Trainer, Transform, Tuner
from components.evaluator import Evaluator
from components.lyrics_example_gen import LyricsExampleGen
from components.ngram_model import NgramModel
from components.pusher import Pusher
from components.sequence_windows import SequenceWindows
from modules import contract, features
from modules.hyperparameters import HYPERPARAMETERS, MIXTURE, NGRAM, NUM_TRIALS, WINDOWS, WORK_DIR
from modules.vocabulary.characters import VOCABULARY
from pipeline import gate
from pipeline.config import UNFINISHED, PipelineConfig


def create_pipeline(config: PipelineConfig, name: str = contract.MODEL_NAME) -> tfx.dsl.Pipeline:
    """Zips of lyrics to a pushed model; the same nodes run here and on Kubeflow."""
    all_splits = config.vocabulary.vocabulary_splits == "all"
    scored_splits = list(map(features.scored_split, config.splits))

    example_gen = LyricsExampleGen(config.data, config.corpus, config.hold_out)
    statistics_gen = tfx.components.StatisticsGen(example_gen.outputs["examples"])
    schema_gen = tfx.components.SchemaGen(
        statistics_gen.outputs["statistics"], infer_feature_shape=True
    )
    example_validator = tfx.components.ExampleValidator(
        statistics_gen.outputs["statistics"], schema_gen.outputs["schema"]
    )
    transform = Transform(
        "modules.preprocessing.preprocessing_fn",
        {VOCABULARY: asdict(config.vocabulary)},
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        splits_config=tfx.proto.SplitsConfig(
            analyze=config.splits if all_splits else [features.TRAIN], transform=config.splits
        ),
        disable_statistics=True,  # of the same text once more, and of indices: nobody reads them
    )
    ngram = NgramModel(
        transform.outputs["transformed_examples"],
        example_gen.outputs["documents"],
        transform.outputs["transform_graph"],
        ngram_order=config.ngram.ngram_order,
        newline=config.vocabulary.newline,
    )
    windows = SequenceWindows(
        transform.outputs["transformed_examples"],
        example_gen.outputs["documents"],
        ngram.outputs["ngram"],
        config.windows,
        cache_size=config.ngram.cache_size,
    )
    # What both the Tuner and the Trainer are given.
    data = {
        "examples": windows.outputs["windows"],
        "transform_graph": transform.outputs["transform_graph"],
        "train_args": tfx.proto.TrainArgs(splits=[features.TRAIN]),
        "eval_args": tfx.proto.EvalArgs(splits=scored_splits),
    }
    options = {
        VOCABULARY: asdict(config.vocabulary),
        WINDOWS: asdict(config.windows),
        NGRAM: asdict(config.ngram),
        WORK_DIR: os.path.join(config.root, UNFINISHED),
    }
    trial = config.tuner.trial(config.hyperparameters)
    tuner = Tuner(
        "modules.tuner.tuner_fn",
        options | {HYPERPARAMETERS: asdict(trial), NUM_TRIALS: config.tuner.num_trials},
        **data,
    )
    tuned = config.tuner.num_trials > 0  # else the node is left out
    trainer = Trainer(
        "modules.trainer.run_fn",
        options | {HYPERPARAMETERS: asdict(config.hyperparameters), MIXTURE: config.mixture},
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuned else None,
        **data,
    )
    baseline_model = BaselineModel(trainer.outputs["model"], config.serving_dir)
    evaluator = Evaluator(
        gate.eval_config(config.gate),
        model=trainer.outputs["model"],
        baseline_model=baseline_model.outputs["baseline"],
        examples=windows.outputs["windows"],
        example_splits=scored_splits,
    )
    pusher = Pusher(trainer.outputs["model"], evaluator.outputs["blessing"], config.serving_dir)
    return tfx.dsl.Pipeline(
        pipeline_name=name,
        pipeline_root=os.path.join(config.root, "artifacts"),
        enable_cache=True,
        beam_pipeline_args=config.beam.arguments(config.root),
        components=[
            *(example_gen, statistics_gen, schema_gen, example_validator, transform),
            *(ngram, windows, *([tuner] if tuned else []), trainer),
            *(baseline_model, evaluator, pusher),
        ],
    )
