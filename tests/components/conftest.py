"""Pipelines of a few nodes, with their metadata in SQLite, and what goes into them and out.

TensorFlow and TFX are imported where they are used: the fast tests read this file too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Workplace:
    """A pipeline of the nodes under test, whose inputs Importers bring in."""

    root: Path

    def run(self, *nodes) -> dict[str, str]:
        """Runs them; what became of each, Importers left out."""
        from tfx import v1 as tfx

        pipeline = tfx.dsl.Pipeline(
            pipeline_name="nodes",
            pipeline_root=str(self.root / "artifacts"),
            metadata_connection_config=self._connection,
            enable_cache=True,
            components=[*nodes],
        )
        tfx.orchestration.LocalDagRunner().run(pipeline)
        return self.states()

    def states(self) -> dict[str, str]:
        """What became of the newest run's nodes."""
        return {name: type(e).State.Name(e.last_known_state) for name, e in self._newest().items()}

    def properties(self, node: str) -> dict[str, object]:
        """The execution properties of a node in the newest run."""
        return _plain(self._newest()[node].custom_properties)

    def output(self, node: str, key: str) -> tuple[Path, dict[str, object]]:
        """Where an output artifact of a node lies in the newest run, and its properties."""
        with self._metadata() as handle:
            events = handle.store.get_events_by_execution_ids([self._newest()[node].id])
            ids = [e.artifact_id for e in events if e.path.steps[0].key == key]
            (artifact,) = handle.store.get_artifacts_by_id(ids)
        return Path(artifact.uri), _plain(artifact.properties) | _plain(artifact.custom_properties)

    @property
    def _connection(self):
        from tfx.orchestration import metadata

        path = self.root / "metadata.sqlite"
        return metadata.sqlite_metadata_connection_config(str(path))

    def _metadata(self):
        from tfx.orchestration import metadata

        return metadata.Metadata(self._connection)

    def _newest(self) -> dict:
        """The newest run's executions by the names of their nodes."""
        with self._metadata() as handle:
            runs = handle.store.get_contexts_by_type("pipeline_run")
            executions = handle.store.get_executions_by_context(max(run.id for run in runs))
            types = {kind.id: kind.name for kind in handle.store.get_execution_types()}
        by_name = {types[e.type_id].rpartition(".")[2]: e for e in executions}
        by_name.pop("Importer", None)
        return by_name


def _plain(properties) -> dict[str, object]:
    return {name: getattr(v, v.WhichOneof("value")) for name, v in properties.items()}


@pytest.fixture
def workplace(tmp_path) -> Workplace:
    """With an empty metadata store."""
    return Workplace(tmp_path / "work")


@pytest.fixture
def edit_sources(monkeypatch) -> Callable[[str], None]:
    """As if the code of a component had been edited."""

    def edit(component: str) -> None:
        module = f"components.{component}.component.source_digest"
        monkeypatch.setattr(module, lambda *modules: "edited")

    return edit


@pytest.fixture(scope="session")
def import_artifact() -> Callable:
    """The node `name`, which brings an artifact in with its properties."""
    from tfx import v1 as tfx

    def make(name: str, artifact):
        return tfx.dsl.Importer(
            source_uri=artifact.uri,
            artifact_type=type(artifact),
            properties=_plain(artifact.mlmd_artifact.properties),
            custom_properties=_plain(artifact.mlmd_artifact.custom_properties),
        ).with_id(name)

    return make


@pytest.fixture(scope="session")
def write_examples() -> Callable:
    """Writes the Examples of each split, dealt out to its files, as an artifact."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    from components.examples import describe

    def write(directory: Path, splits: dict[str, list], num_files: int = 1):
        for split, examples in splits.items():
            folder = directory / f"Split-{split}"
            folder.mkdir(parents=True)
            for file in range(num_files):
                path = folder / f"examples-{file:05d}-of-{num_files:05d}.gz"
                with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
                    for example in examples[file::num_files]:
                        writer.write(example.SerializeToString())
        artifact = standard_artifacts.Examples()
        artifact.uri = str(directory)
        describe(artifact, [*splits])
        return artifact

    return write


@pytest.fixture(scope="session")
def write_documents() -> Callable:
    """Writes which documents the Examples of each split are of, as ingest does."""
    from components import Documents
    from components.examples import place_of, text_of
    from components.stream import Document, Stream, path_of

    def streamed(examples: list) -> Stream:
        parts: dict[int, Document] = {}
        for example in examples:
            index, position = place_of(example)
            name = example.features.feature["document"].bytes_list.value[0].decode()
            before = parts.get(index, Document(index, name, position, 0))
            length = before.length + len(text_of(example))
            parts[index] = Document(index, name, min(before.first, position), length)
        return Stream(sorted(parts.values()))

    def write(directory: Path, splits: dict[str, list]):
        artifact = Documents()
        artifact.uri = str(directory)
        for split, examples in splits.items():
            streamed(examples).save(path_of(artifact.uri, split))
        return artifact

    return write


@pytest.fixture(scope="session")
def write_ngrams() -> Callable:
    """Counts the n-grams of texts of indices, and writes them as an artifact."""
    import numpy as np

    from components import Ngrams, ngrams
    from modules.ngrams.counts import Stretch, count

    def write(directory: Path, texts: list, vocab_size: int, order: int = 3):
        stretches = [Stretch(np.array(text, np.int64), 0) for text in texts]
        artifact = Ngrams()
        artifact.uri = str(directory)
        directory.mkdir(parents=True)
        ngrams.save(count(stretches, vocab_size, 0, order), artifact.uri)
        return artifact

    return write


@pytest.fixture(scope="session")
def read_examples() -> Callable[..., list[dict[str, list]]]:
    """Reads the Examples of files, one after the other: by feature, the list of its values."""
    import tensorflow as tf

    def values(feature: tf.train.Feature) -> list:
        texts = [text.decode() for text in feature.bytes_list.value]
        return texts or [*feature.int64_list.value] or [*feature.float_list.value]

    def read(*paths: Path) -> list[dict[str, list]]:
        records = tf.data.TFRecordDataset([*map(str, paths)], "GZIP").as_numpy_iterator()
        found = [tf.train.Example.FromString(record).features.feature for record in records]
        return [{name: values(features[name]) for name in features} for features in found]

    return read


@pytest.fixture
def write_model(tmp_path) -> Callable:
    """Writes files as a SavedModel has them, with a content, as a Model artifact."""
    from tfx.types import standard_artifacts

    def write(content: str):
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path / "models" / content)
        write_files(Path(artifact.uri, "Format-Serving"), content)
        return artifact

    return write


@pytest.fixture
def write_version(tmp_path) -> Callable[[int, str], Path]:
    """Writes such files as a version of the directory `tmp_path / "served"`."""
    return lambda version, content: write_files(tmp_path / "served" / str(version), content)


def write_files(directory: Path, content: str) -> Path:
    import tensorflow as tf
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    for name in ("assets/characters", "assets.extra/tf_serving_warmup_requests"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    model = SavedModel()
    model.meta_graphs.add().meta_info_def.meta_graph_version = content
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())
    tf.raw_ops.SaveV2(
        prefix=str(directory / "variables" / "variables"),
        tensor_names=["weights"],
        shape_and_slices=[""],
        tensors=[tf.constant([*content.encode()], tf.float32)],
    )
    return directory


@pytest.fixture(scope="session")
def whole_model(tmp_path_factory, content_of) -> Callable[[str], dict[str, bytes]]:
    """The files of such a model, with their content."""
    return lambda content: content_of(write_files(tmp_path_factory.mktemp("model"), content))


@pytest.fixture(scope="session")
def content_of() -> Callable[[Path], dict[str, bytes]]:
    """Every file under a directory, with its bytes."""
    return lambda directory: {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
