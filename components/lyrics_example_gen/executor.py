"""The LyricsExampleGen executor: checks the archives, plans the splits, writes their Examples."""

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache

import apache_beam as beam
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components import stream
from components.examples import describe, make_example, serialize
from components.executors import Artifacts, BeamExecutor, Properties
from components.lyrics_example_gen.source import FINGERPRINT, Source, resolve
from components.stream import Stream, path_of
from modules import features
from modules.corpus import copies, holdout, reader
from modules.corpus.account import Account, account_of
from modules.corpus.documents import Document, passages
from modules.corpus.fetching import FILES, Fetched
from modules.corpus.holdout import HoldOut, Piece
from modules.corpus.kinds import open_archive
from modules.corpus.reader import CorpusOptions
from modules.errors import CorpusError

EXAMPLES = "examples"
DOCUMENTS = "documents"
INPUT_PATTERN = "input_pattern"
CORPUS = "corpus"
HOLD_OUT = "hold_out"
ACCOUNT = "account"  # the property of the examples that holds an Account, as JSON

OPEN_ARCHIVES = 8  # a worker keeps so many
BATCH = 50  # pieces in a line: Beam takes longer over an element than over a short song


class Executor(BeamExecutor):
    """Reads everything once here, where errors have names, and once more on Beam's workers."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """Writes the Examples of every split.

        Args:
            input_dict: nothing.
            output_dict: `examples`, where they go; `documents`, where their Streams go.
            exec_properties: `input_pattern`; `corpus` and `hold_out`, CorpusOptions and HoldOut
                as JSON; and `input_fingerprint`, where a driver ran.

        Raises:
            ConfigError: if an option makes no sense, or a split would be empty.
            CorpusError: if an archive cannot be read as lyrics.
        """
        options = CorpusOptions(**json.loads(exec_properties[CORPUS]))
        hold_out = HoldOut(**json.loads(exec_properties[HOLD_OUT]))
        source = resolve(exec_properties[INPUT_PATTERN])
        _check_unchanged(source, exec_properties.get(FINGERPRINT))
        corpus = reader.inspect(source.archives, options, FILES)
        originals = copies.originals(_texts(corpus.documents, options))
        pieces = holdout.plan(corpus.documents, hold_out, originals)

        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        streams = artifact_utils.get_single_uri(output_dict[DOCUMENTS])
        splits = _by_split(corpus.documents, pieces)
        describe(examples, list(splits))
        _record(examples, source, account_of(corpus, pieces, originals))
        temporary = os.path.join(streams, "temporary")
        fileio.makedirs(temporary)
        try:
            self._read_and_write(splits, options, examples, streams, temporary)
        finally:
            fileio.rmtree(temporary)

    def _read_and_write(
        self,
        splits: dict[str, list[tuple[Document, Piece]]],
        options: CorpusOptions,
        examples: types.Artifact,
        streams: str,
        temporary: str,
    ) -> None:
        """Reads the pieces of each split on Beam.

        Which they are lies in a file, not in the pipeline: Dataflow takes no graph of more than
        10 MB, and with them it would have so many at a quarter of a million songs.
        """
        with self.pipeline() as pipeline:
            for split, parts in splits.items():
                _stream(parts).save(path_of(streams, split))
                path = os.path.join(temporary, f"{split}.jsonl")
                _save(parts, path)
                directory = artifact_utils.get_split_uri([examples], split)
                _ = (
                    pipeline
                    | f"Pieces[{split}]" >> beam.io.ReadFromText(path)
                    | f"Spread[{split}]" >> beam.Reshuffle()
                    | f"Read[{split}]" >> beam.ParDo(ReadExamples(options.max_ratio, FILES))
                    | f"Write[{split}]" >> _write(directory)
                )


class ReadExamples(beam.DoFn):
    """A line that `_save` wrote to the Examples of its pieces, in order, serialised."""

    def __init__(self, max_ratio: float, files: Fetched) -> None:
        self._max_ratio = max_ratio
        self._files = files

    def setup(self) -> None:
        """Keeps archives open from one piece to the next: their directories are long."""
        self._open = lru_cache(OPEN_ARCHIVES)(
            lambda path: open_archive(path, self._max_ratio, self._files)
        )

    def teardown(self) -> None:
        """Lets go of them."""
        self._open.cache_clear()

    def process(self, element: str) -> Iterator[bytes]:
        """Yields serialised tf.train.Examples."""
        for of_document, of_piece in json.loads(element):
            document, piece = Document(*of_document), Piece(*of_piece)
            archive = self._open(document.path)
            for position, text in passages(archive, document, piece.start, piece.stop):
                example = make_example(
                    {
                        features.TEXT: text,
                        features.DOCUMENT: document.name,
                        features.DOCUMENT_INDEX: document.index,
                        features.POSITION: position,
                    }
                )
                yield serialize(example)


def _save(parts: Sequence[tuple[Document, Piece]], path: str) -> None:
    """Writes some pieces a line, each with the document that it is of."""
    with fileio.open(path, "w") as file:
        for start in range(0, len(parts), BATCH):
            batch = [
                [dataclasses.astuple(document), dataclasses.astuple(piece)]
                for document, piece in parts[start : start + BATCH]
            ]
            file.write(json.dumps(batch) + "\n")


def _texts(documents: Sequence[Document], options: CorpusOptions) -> Iterator[str]:
    """Each document's, one after the other."""
    for path, of_path in itertools.groupby(documents, key=lambda document: document.path):
        with open_archive(path, options.max_ratio, FILES) as archive:
            for document in of_path:
                texts = passages(archive, document, 0, document.characters)
                yield "".join(text for _, text in texts)


def _stream(parts: Sequence[tuple[Document, Piece]]) -> Stream:
    return Stream(
        [
            stream.Document(document.index, document.name, piece.start, piece.stop - piece.start)
            for document, piece in parts
        ]
    )


def _write(directory: str) -> beam.PTransform:
    prefix = os.path.join(directory, "data_tfrecord")
    return beam.io.WriteToTFRecord(prefix, file_name_suffix=".gz")


def _by_split(
    documents: Sequence[Document], pieces: Sequence[Piece]
) -> dict[str, list[tuple[Document, Piece]]]:
    """Each split's pieces, with the documents that they are of."""
    splits: dict[str, list[tuple[Document, Piece]]] = {split: [] for split in features.SPLITS}
    for piece in pieces:
        splits[piece.split].append((documents[piece.document_index], piece))
    return {split: parts for split, parts in splits.items() if parts}


def _check_unchanged(source: Source, fingerprint: str | None) -> None:
    """The output must not go into the cache under the key of other data."""
    if fingerprint is not None and fingerprint != source.fingerprint:
        raise CorpusError(
            f"the archives {', '.join(source.archives)} were changed while the pipeline started: "
            "run it again when they are complete"
        )


def _record(examples: types.Artifact, source: Source, account: Account) -> None:
    """Tells the artifact's readers where it is from, and what became of it."""
    said = json.dumps(dataclasses.asdict(account), ensure_ascii=False)
    examples.set_string_custom_property(ACCOUNT, said)
    examples.set_string_custom_property(FINGERPRINT, source.fingerprint)
    examples.span = source.span
    if source.version is not None:
        examples.version = source.version
