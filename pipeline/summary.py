"""What a run came to: gathered from the metadata store and the artifacts it names."""

from dataclasses import dataclass

import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.evaluator.executor import REASON_PROPERTY
from modules import features, metrics
from modules.vocabulary import VOCABULARY_NAME
from pipeline.config import PipelineConfig
from pipeline.local import metadata_connection

BASELINE_PERPLEXITY = "baseline_perplexity"


@dataclass(frozen=True)
class Stage:
    """One node of the run.

    Attributes:
        name: the node's.
        seconds: it took; 0 if cached.
        cached: whether its outputs are those of an earlier run.
    """

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class Summary:
    """One run of the pipeline.

    Attributes:
        stages: in the order in which they ran.
        vocab_size: entries of the vocabulary, `<unk>` included.
        splits: of each split's characters, the metrics of `modules.metrics`.
        blessed: whether the model passed the gate.
        reason: why, or why not.
        pushed_to: directory of the pushed version; None where nothing is pushed.
        lyric: what the pushed version answered over gRPC; None where nothing is pushed.
    """

    stages: list[Stage]
    vocab_size: int
    splits: dict[str, dict[str, float]]
    blessed: bool
    reason: str
    pushed_to: str | None
    lyric: str | None = None

    @property
    def memory_only(self) -> bool:
        """Whether there was no held-out text to measure generality on."""
        return features.EVAL not in self.splits

    @property
    def all_cached(self) -> bool:
        """Whether nothing at all had to be done."""
        return all(stage.cached for stage in self.stages)


def summarise(config: PipelineConfig) -> Summary:
    """The newest run under `config.root`."""
    run = _Run(metadata_store.MetadataStore(metadata_connection(config)))
    blessing = run.output("Evaluator", "blessing").custom_properties
    pushed = run.output("Pusher", "pushed_model").custom_properties
    transform = tft.TFTransformOutput(run.output("Transform", "transform_graph").uri)
    return Summary(
        stages=run.stages,
        vocab_size=transform.vocabulary_size_by_name(VOCABULARY_NAME),
        splits=_split_metrics(run.output("Evaluator", "evaluation").uri),
        blessed=blessing["blessed"].int_value == 1,
        reason=blessing[REASON_PROPERTY].string_value,
        pushed_to=pushed["pushed_destination"].string_value or None,
    )


class _Run:
    """The newest run in a metadata store."""

    def __init__(self, store: metadata_store.MetadataStore) -> None:
        self._store = store
        newest = max(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
        executions = store.get_executions_by_context(newest.id)
        executions.sort(key=lambda execution: execution.id)
        types = {kind.id: kind.name for kind in store.get_execution_types()}
        self._executions = {types[e.type_id].rpartition(".")[2]: e for e in executions}
        self.stages = [_stage(name, e) for name, e in self._executions.items()]

    def output(self, stage: str, key: str) -> mlmd.Artifact:
        """The artifact that a stage put out under a name."""
        events = self._store.get_events_by_execution_ids([self._executions[stage].id])
        artifact_ids = [e.artifact_id for e in events if e.path.steps[0].key == key]
        return self._store.get_artifacts_by_id(artifact_ids)[0]


def _stage(name: str, execution: mlmd.Execution) -> Stage:
    cached = execution.last_known_state == mlmd.Execution.CACHED
    milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    return Stage(name, 0.0 if cached else milliseconds / 1000, cached)


def _split_metrics(evaluation: str) -> dict[str, dict[str, float]]:
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
            if pair.key.model_name == tfma.BASELINE_KEY and name == metrics.PERPLEXITY:
                figures[BASELINE_PERPLEXITY] = value
            elif pair.key.model_name in ("", tfma.CANDIDATE_KEY) and not pair.key.is_diff:
                figures[name] = value
    return {split: splits[split] for split in (features.TRAIN, features.EVAL) if split in splits}
