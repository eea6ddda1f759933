"""The NgramModel component: its channels and parameters."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components import Documents, Ngrams
from components.ngram_model.executor import (
    DOCUMENTS,
    EXAMPLES,
    NEWLINE,
    NGRAM,
    NGRAM_ORDER,
    TRANSFORM_GRAPH,
    Executor,
)
from modules.sources import source_digest
from modules.vocabulary.characters import Newline


class NgramModelSpec(types.ComponentSpec):
    """What goes into NgramModel and what comes out."""

    INPUTS: ClassVar = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        DOCUMENTS: component_spec.ChannelParameter(type=Documents),
        TRANSFORM_GRAPH: component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        NGRAM: component_spec.ChannelParameter(type=Ngrams),
    }
    PARAMETERS: ClassVar = {
        NGRAM_ORDER: component_spec.ExecutionParameter(type=int),
        NEWLINE: component_spec.ExecutionParameter(type=str),
        "source_digest": component_spec.ExecutionParameter(type=str),
    }


class NgramModel(base_beam_component.BaseBeamComponent):
    """Counts the n-grams of the split `train`, of all orders up to one.

    None goes from one document into the next; a document's first character follows a line end.
    `modules.ngrams.kneser_ney` makes a language model of the counts.
    """

    SPEC_CLASS = NgramModelSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        documents: types.BaseChannel,
        transform_graph: types.BaseChannel,
        ngram_order: int,
        newline: Newline,
    ) -> None:
        """Wires the component.

        Args:
            examples: channel of transformed Examples, with text, document, document_index,
                position and ids.
            documents: channel of what LyricsExampleGen tells of their documents.
            transform_graph: channel of what they were transformed by, with the vocabulary.
            ngram_order: characters of the longest n-gram.
            newline: how the vocabulary reads newlines.
        """
        spec = NgramModelSpec(
            **{
                EXAMPLES: examples,
                DOCUMENTS: documents,
                TRANSFORM_GRAPH: transform_graph,
                NGRAM_ORDER: ngram_order,
                NEWLINE: newline,
                "source_digest": source_digest(Executor.__module__),
                NGRAM: types.Channel(type=Ngrams),
            }
        )
        super().__init__(spec=spec)
