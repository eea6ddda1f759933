"""The NgramModel executor: counts the n-grams of the training text, and adds them up."""

import tensorflow_transform as tft
from tfx.types import artifact_utils

from components.examples import read_split
from components.executors import Artifacts, BeamExecutor, Properties
from components.ngram_model.counting import CountNgrams
from components.stream import Stream, path_of
from modules.errors import WindowError
from modules.features import TRAIN
from modules.vocabulary.characters import Newline
from modules.vocabulary.indices import VOCABULARY_NAME, Vocabulary

EXAMPLES = "examples"
DOCUMENTS = "documents"
TRANSFORM_GRAPH = "transform_graph"
NGRAM_ORDER = "ngram_order"
NEWLINE = "newline"
NGRAM = "ngram"


class Executor(BeamExecutor):
    """Counts on Beam."""

    windows_per_shard = 64

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """Writes the counts.

        Args:
            input_dict: `examples`, the transformed Examples; `documents`; `transform_graph`.
            output_dict: `ngram`, where the counts go.
            exec_properties: `ngram_order`; `newline`, how the vocabulary reads newlines.

        Raises:
            WindowError: if there is no training text.
        """
        transform_graph = artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH])
        vocabulary = _vocabulary(transform_graph, exec_properties[NEWLINE])
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        ngram = artifact_utils.get_single_uri(output_dict[NGRAM])
        stream = path_of(artifact_utils.get_single_uri(input_dict[DOCUMENTS]), TRAIN)
        _check(stream)
        with self.pipeline() as pipeline:
            serialized = pipeline | "Read" >> read_split(examples, TRAIN)
            _ = serialized | "Count" >> CountNgrams(
                exec_properties[NGRAM_ORDER],
                vocabulary.size,
                int(vocabulary.line_end_id()),
                stream,
                ngram,
                self.windows_per_shard,
            )


def _vocabulary(transform_graph: str, newline: Newline) -> Vocabulary:
    transform = tft.TFTransformOutput(transform_graph)
    return Vocabulary(str(transform.vocabulary_file_by_name(VOCABULARY_NAME)), newline)


def _check(stream: str) -> None:
    if not sum(Stream.load(stream).lengths):
        raise WindowError(
            f"n-grams need at least 1 character; split {TRAIN!r} has 0: give more text"
        )
