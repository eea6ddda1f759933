import random

import apache_beam as beam

from components.examples import make_example
from components.stream import Document, MeasureDocuments, Stream

# Of the third document the split holds the tail, from position 100 on.
DOCUMENTS = [
    Document(0, "歌.zip/0.txt", 0, 5),
    Document(3, "歌.zip/1.txt", 0, 1),
    Document(6, "歌.zip/2.txt", 100, 3),
]


def examples_of(documents, size):
    """Serialised Examples of `size` characters at most, in any order."""
    examples = [
        make_example(
            {
                "text": "春" * min(size, document.length - offset),
                "document": document.name,
                "document_index": document.document_index,
                "position": document.first + offset,
            }
        ).SerializeToString()
        for document in documents
        for offset in range(0, document.length, size)
    ]
    return random.Random(0).sample(examples, len(examples))


def test_measuring_keeps_one_entry_a_document_however_long_it_is(tmp_path):
    for factor in (1, 1_000):
        documents = [document._replace(length=factor * document.length) for document in DOCUMENTS]
        path = str(tmp_path / f"{factor}.json")
        with beam.Pipeline() as pipeline:
            examples = pipeline | beam.Create(examples_of(documents, 2 * factor))
            _ = examples | MeasureDocuments(path)
        assert Stream.load(path).documents == documents


def test_characters_are_numbered_from_document_to_document():
    stream = Stream(DOCUMENTS)
    places = {0: (0, 0), 4: (0, 4), 5: (3, 0), 6: (6, 100), 8: (6, 102)}
    for character, place in places.items():
        assert stream.locate(*place) == character
        document, position = stream.origin(character)
        assert (document.document_index, position) == place
