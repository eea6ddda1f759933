from components.stream import Document, Stream, path_of

# Of the third document the split holds the tail, from position 100 on.
DOCUMENTS = [
    Document(0, "歌.zip/0.txt", 0, 5),
    Document(3, "歌.zip/1.txt", 0, 1),
    Document(6, "歌.zip/2.txt", 100, 3),
]


def test_what_was_saved_is_read(tmp_path):
    path = path_of(str(tmp_path / "documents"), "train")
    Stream(DOCUMENTS).save(path)
    assert Stream.load(path) == Stream(DOCUMENTS)


def test_characters_are_numbered_from_document_to_document():
    stream = Stream(DOCUMENTS)
    places = {0: (0, 0), 4: (0, 4), 5: (3, 0), 6: (6, 100), 8: (6, 102)}
    for character, place in places.items():
        assert stream.locate(*place) == character
        document, position = stream.origin(character)
        assert (document.document_index, position) == place
