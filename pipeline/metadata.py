"""Gathers what a run came to from the metadata store and the artifacts it names."""

import json
import math

import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.utils import io_utils, path_utils

from components.evaluator.executor import REASON_PROPERTY
from components.lyrics_example_gen.executor import ACCOUNT, EXAMPLES
from components.pusher.executor import PUSHED_DESTINATION, PUSHED_VERSION
from modules import features
from modules.corpus.account import Account
from modules.evaluation.figures import BASELINE_PERPLEXITY, PERPLEXITY, optional
from modules.signatures.language import mixture_weights
from modules.training.search import values_of
from modules.vocabulary.indices import VOCABULARY_NAME
from pipeline.config import PipelineConfig
from pipeline.root.server import Server
from pipeline.root.store import Store
from pipeline.summary import Stage, Summary


def summarise(config: PipelineConfig, server: Server | None = None) -> Summary:
    """The newest run under `config.root`, whose metadata are on a server or in a file there."""
    run = Run(config, server)
    read = run.output("LyricsExampleGen", EXAMPLES).custom_properties
    blessing = run.output("Evaluator", "blessing").custom_properties
    pushed = run.output("Pusher", "pushed_model").custom_properties
    pushed_to = pushed[PUSHED_DESTINATION].string_value or None
    model = path_utils.serving_model_path(run.output("Trainer", "model").uri)
    transform = tft.TFTransformOutput(run.output("Transform", "transform_graph").uri)
    return Summary(
        stages=run.stages,
        corpus=Account(**json.loads(read[ACCOUNT].string_value)),
        vocab_size=transform.vocabulary_size_by_name(VOCABULARY_NAME),
        splits=split_figures(run.output("Evaluator", "evaluation").uri),
        gate_split=config.gate.gate_split,
        mixture_weights=mixture_weights(model) if config.mixture else None,
        tuned=_tuned(run) if config.tuner.num_trials else None,
        blessed=blessing["blessed"].int_value == 1,
        reason=blessing[REASON_PROPERTY].string_value,
        pushed_to=pushed_to,
        version=int(pushed[PUSHED_VERSION].string_value) if pushed_to else None,
        task=config.hyperparameters.task,
    )


class Run:
    """The newest run under a root.

    Attributes:
        stages: in the order in which they ran.
    """

    def __init__(self, config: PipelineConfig, server: Server | None = None) -> None:
        store = Store(config.here().root, server)
        self._store = store.metadata
        newest, *_ = store.runs()
        executions = self._store.get_executions_by_context(newest.id)
        executions.sort(key=lambda execution: execution.id)
        types = {kind.id: kind.name for kind in self._store.get_execution_types()}
        self._executions = {types[e.type_id].rpartition(".")[2]: e for e in executions}
        self.stages = [_stage(name, e) for name, e in self._executions.items()]

    def output(self, stage: str, key: str) -> mlmd.Artifact:
        """The artifact that a stage put out under a name."""
        events = self._store.get_events_by_execution_ids([self._executions[stage].id])
        artifact_ids = [e.artifact_id for e in events if e.path.steps[0].key == key]
        return self._store.get_artifacts_by_id(artifact_ids)[0]


def _tuned(run: Run) -> dict[str, float]:
    directory = run.output("Tuner", "best_hyperparameters").uri
    best = io_utils.read_string_file(io_utils.get_only_uri_in_dir(directory))
    return values_of(json.loads(best))


def _stage(name: str, execution: mlmd.Execution) -> Stage:
    cached = execution.last_known_state == mlmd.Execution.CACHED
    milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    return Stage(name, 0.0 if cached else milliseconds / 1000, cached)


def split_figures(evaluation: str) -> dict[str, dict[str, float]]:
    """The candidate's figures for each split, and the baseline's perplexity where there is one."""
    splits: dict[str, dict[str, float]] = {}
    for sliced in tfma.load_metrics(evaluation):
        columns = {
            key.column: key.bytes_value.decode() for key in sliced.slice_key.single_slice_keys
        }
        if columns.keys() != {features.SPLIT}:
            continue  # a document's
        figures = splits.setdefault(columns[features.SPLIT], {})
        for pair in sliced.metric_keys_and_values:
            name, value = pair.key.name, pair.value.double_value.value
            if name in optional() and math.isnan(value):
                continue
            if pair.key.model_name == tfma.BASELINE_KEY and name == PERPLEXITY:
                figures[BASELINE_PERPLEXITY] = value
            elif pair.key.model_name in ("", tfma.CANDIDATE_KEY) and not pair.key.is_diff:
                figures[name] = value
    return {split: splits[split] for split in features.SPLITS if split in splits}
