import os

import pytest

from modules.corpus import files, reader
from modules.corpus.documents import passages
from modules.corpus.kinds import open_archive
from modules.corpus.reader import CorpusOptions
from modules.errors import CorpusError

pytestmark = pytest.mark.fast


def write(folder, members):
    """Files by their paths in the folder."""
    for name, content in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def inspect(pattern, **options):
    return reader.inspect(files.match(str(pattern)), CorpusOptions(**options))


def texts(pattern, **options):
    """The corpus's texts by the names of the documents."""
    found = {}
    for document in inspect(pattern, **options).documents:
        with open_archive(document.path, 100) as archive:
            texts = passages(archive, document, 0, document.characters)
            found[document.name] = "".join(text for _, text in texts)
    return found


def test_a_folder_is_read_like_a_zip_of_what_is_in_it(tmp_path, pack):
    members = {"b.txt": "二", "a/z.TXT": "一\r\n", "e\u0301.txt": "三", "cover.jpg": b"\xff"}
    members |= {".git/notes.txt": "四", "a/.txt": "五", "c.txt": " "}
    folder = write(tmp_path / "songs", members)
    expected = {"songs/a/z.TXT": "一\n", "songs/b.txt": "二\n", "songs/é.txt": "三\n"}
    assert texts(folder) == expected
    zipped = inspect(pack(tmp_path / "songs.zip", members))
    assert inspect(folder).passed_over == zipped.passed_over
    assert [document.member for document in zipped.documents] == ["a/z.TXT", "b.txt", "é.txt"]


@pytest.mark.parametrize("path", ["songs/", ".", "../songs"])
def test_a_folder_has_its_own_name_however_it_is_given(tmp_path, monkeypatch, path):
    write(tmp_path / "songs" / "in", {})
    folder = write(tmp_path / "songs", {"a.txt": "一"})
    (folder / "in").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path if path == "songs/" else folder)
    assert texts(path) == {"songs/a.txt": "一\n"}


def test_a_single_text_is_a_corpus_and_so_are_some(tmp_path):
    folder = write(tmp_path / "songs", {"a.txt": "一", "b.txt": "二", "in/c.txt": "三"})
    assert texts(folder / "a.txt") == {"a.txt": "一\n"}
    assert texts(folder / "*.txt") == {"a.txt": "一\n", "b.txt": "二\n"}
    assert texts(folder / "*") == {"a.txt": "一\n", "b.txt": "二\n", "in/c.txt": "三\n"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, r"songs holds no \.txt file \(0 others\): add texts"),
        ({"a.md": "一"}, r"songs holds no \.txt file \(1 others\): add texts"),
        ({"a.txt": "一", "b.zip": b""}, r"'b\.zip' is an archive in a folder.* give a pattern"),
        ({"a.txt": b"PK\3\4"}, r"'a\.txt' is an archive, not a text"),
        ({"é.txt": "一", "e\u0301.txt": "二"}, "is there twice"),
        ({os.fsdecode(b"\xff.txt"): "一"}, "has a name that is not UTF-8"),
        ({"a.txt": "一", "b.txt": b"\xff"}, r"songs: 'b\.txt' holds ff at byte offset 0"),
    ],
)
def test_folders_that_are_refused(tmp_path, members, message):
    (tmp_path / "songs").mkdir()
    with pytest.raises(CorpusError, match=message):
        inspect(write(tmp_path / "songs", members))


def test_a_folder_is_held_to_the_limit(tmp_path):
    folder = write(tmp_path / "songs", {"a.txt": "一", "b.txt": "二"})
    assert len(texts(folder, max_bytes=6)) == 2
    with pytest.raises(CorpusError, match=r"songs: 'b\.txt' takes the corpus over max_bytes"):
        inspect(folder, max_bytes=5)


def test_links_to_folders_do_not_lead_round_in_a_circle(tmp_path):
    folder = write(tmp_path / "songs", {"a.txt": "一"})
    (folder / "again").symlink_to(folder)
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")
    assert texts(folder) == {"songs/a.txt": "一\n"}


def test_strict_looks_into_folders_too(tmp_path):
    folder = write(tmp_path / "songs", {"a.txt": "一", ".b.txt": "二"})
    with pytest.raises(CorpusError, match=r"songs holds what is not read.*'\.b\.txt' \(hidden\)"):
        reader.check(files.match(str(folder)), CorpusOptions(strict=True))


def test_the_fingerprint_is_of_all_texts_in_a_folder_and_of_nothing_else(tmp_path):
    def fingerprint():
        return files.fingerprint(files.match(str(folder)))

    folder = write(tmp_path / "songs", {"a.txt": "一", "in/b.txt": "二"})
    seen = [fingerprint()]
    write(folder, {"notes.md": "三", ".hidden.txt": "三"})
    assert fingerprint() == seen[0]
    for change in ({"in/b.txt": "三"}, {"in/c.txt": ""}, {"d.txt": "二"}):
        write(folder, change)
        seen.append(fingerprint())
    assert len(set(seen)) == 4
