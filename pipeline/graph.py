"""The pipeline on one screen: its nodes, in the order in which the data passes them."""

import dataclasses
import os

from tfx import v1 as tfx

from components.baseline_model import BaselineModel
from components.evaluator import Evaluator
from components.lyrics_example_gen import LyricsExampleGen
from components.ngram_model import NgramModel
from components.pusher import Pusher
from components.sequence_windows import SequenceWindows
from components.sources import source_digest
from modules import contract, features
from modules.hyperparameters import HYPERPARAMETERS, MIXTURE, NGRAM, NUM_TRIALS, WINDOWS, WORK_DIR
from modules.vocabulary.characters import VOCABULARY
from pipeline import gate
from pipeline.config import PipelineConfig


def create_pipeline(config: PipelineConfig) -> tfx.dsl.Pipeline:
    """Zips of lyrics to a pushed model; the same nodes run here and on Kubeflow."""
    vocabulary = dataclasses.asdict(config.vocabulary)
    analysed = config.splits if config.vocabulary.vocabulary_splits == "all" else [features.TRAIN]

    example_gen = LyricsExampleGen(
        config.data,
        config.corpus,
        config.hold_out,
        source_digest=source_digest("components.lyrics_example_gen.executor"),
    )
    statistics_gen = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=True
    )
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="modules.preprocessing.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(analyze=analysed, transform=config.splits),
        custom_config={
            VOCABULARY: vocabulary,
            "source_digest": source_digest("modules.preprocessing"),
        },
    )
    ngram = NgramModel(
        transform.outputs["transformed_examples"],
        transform.outputs["transform_graph"],
        ngram_order=config.ngram.ngram_order,
        newline=config.vocabulary.newline,
        source_digest=source_digest("components.ngram_model.executor"),
    )
    windows = SequenceWindows(
        transform.outputs["transformed_examples"],
        ngram.outputs["ngram"],
        config.windows,
        cache_size=config.ngram.cache_size,
        source_digest=source_digest("components.sequence_windows.executor"),
    )
    # What an Experiment is made of, be it the Tuner's or the Trainer's.
    data = {
        "examples": windows.outputs["windows"],
        "transform_graph": transform.outputs["transform_graph"],
        "train_args": tfx.proto.TrainArgs(splits=[features.TRAIN]),
        "eval_args": tfx.proto.EvalArgs(splits=list(map(features.scored_split, config.splits))),
    }
    options = {
        VOCABULARY: vocabulary,
        WINDOWS: dataclasses.asdict(config.windows),
        NGRAM: dataclasses.asdict(config.ngram),
        WORK_DIR: os.path.join(config.root, "unfinished"),
    }
    tuning = config.tuner.num_trials > 0  # else the node is left out
    tuner = tfx.components.Tuner(
        tuner_fn="modules.tuner.tuner_fn",
        **data,
        custom_config={
            **options,
            HYPERPARAMETERS: dataclasses.asdict(config.tuner.trial(config.hyperparameters)),
            NUM_TRIALS: config.tuner.num_trials,
            "source_digest": source_digest("modules.tuner"),
        },
    )
    trainer = tfx.components.Trainer(
        run_fn="modules.trainer.run_fn",
        **data,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuning else None,
        custom_config={
            **options,
            HYPERPARAMETERS: dataclasses.asdict(config.hyperparameters),
            MIXTURE: config.mixture,
            "source_digest": source_digest("modules.trainer"),
        },
    )
    baseline_model = BaselineModel(
        trainer.outputs["model"],
        base_directory=config.serving_dir,
        source_digest=source_digest("components.baseline_model.executor"),
    )
    evaluator = Evaluator(
        model=trainer.outputs["model"],
        baseline_model=baseline_model.outputs["baseline"],
        examples=windows.outputs["windows"],
        example_splits=list(map(features.scored_split, config.splits)),
        eval_config=gate.eval_config(
            config.gate,
            source_digest=source_digest("components.evaluator.executor", "modules.metrics"),
        ),
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=config.serving_dir)
        ),
        custom_config={"source_digest": source_digest("components.pusher.executor")},
    )
    return tfx.dsl.Pipeline(
        pipeline_name=contract.MODEL_NAME,
        pipeline_root=os.path.join(config.root, "artifacts"),
        enable_cache=True,
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            transform,
            ngram,
            windows,
            *([tuner] if tuning else []),
            trainer,
            baseline_model,
            evaluator,
            pusher,
        ],
    )
