import itertools
import logging
import unicodedata
import zipfile

import pytest

from modules.corpus import files, reader
from modules.corpus.archives import Archive
from modules.corpus.documents import Document, passages
from modules.corpus.reader import CorpusOptions
from modules.errors import ConfigError, CorpusError

pytestmark = pytest.mark.fast


def read_corpus(pattern, **options):
    return reader.inspect(files.match(str(pattern)), CorpusOptions(**options))


def inspect(pattern, **options):
    return read_corpus(pattern, **options).documents


def text_of(document):
    with Archive(document.path, 100) as archive:
        return "".join(text for _, text in passages(archive, document, 0, document.characters))


def texts(pattern, **options):
    return {document.name: text_of(document) for document in inspect(pattern, **options)}


def test_documents_of_one_archive_are_in_name_order(tmp_path, pack):
    path = pack(tmp_path / "歌.zip", {"b.txt": "二\n", "a/z.txt": "一一\n", "a-.txt": "三三三\n"})
    assert inspect(path) == [
        Document(0, "歌.zip/a-.txt", str(path), "a-.txt", "utf-8", 4),
        Document(1, "歌.zip/a/z.txt", str(path), "a/z.txt", "utf-8", 3),
        Document(2, "歌.zip/b.txt", str(path), "b.txt", "utf-8", 2),
    ]
    assert list(texts(path).values()) == ["三三三\n", "一一\n", "二\n"]


def test_archives_of_a_glob_are_in_name_order(tmp_path, pack):
    pack(tmp_path / "2.zip", {"a.txt": "二"})
    pack(tmp_path / "10.zip", {"z.txt": "一"})
    pack(tmp_path / "other.tar", {"a.txt": "三"})
    assert texts(tmp_path / "*.zip") == {"10.zip/z.txt": "一\n", "2.zip/a.txt": "二\n"}


def test_archives_of_one_name_in_two_folders_are_told_apart(tmp_path, pack):
    pack(tmp_path / "b" / "songs.zip", {"a.txt": "二"})
    pack(tmp_path / "a" / "songs.zip", {"a.txt": "一"})
    expected = {"a/songs.zip/a.txt": "一\n", "b/songs.zip/a.txt": "二\n"}
    assert texts(tmp_path / "*" / "songs.zip") == expected


def test_a_name_does_not_depend_on_the_working_directory(tmp_path, monkeypatch, pack):
    pack(tmp_path / "songs.zip", {"a.txt": "一"})
    monkeypatch.chdir(tmp_path)
    assert list(texts("*.zip")) == list(texts("songs.zip")) == ["songs.zip/a.txt"]
    assert list(texts(tmp_path / "s*.zip")) == ["songs.zip/a.txt"]


def test_a_path_with_brackets_is_a_path(tmp_path, pack):
    assert texts(pack(tmp_path / "[live].zip", {"a.txt": "一"})) == {"[live].zip/a.txt": "一\n"}


OF_ALL_KINDS = {
    "cover.jpg": b"\xff\xd8",
    "A.TXT": "一",
    "./b.txt": "二",
    "c.txt": " \n",
    "__MACOSX/._A.txt": b"\0\5\x16\7",
    "x/.DS_Store.txt": b"\0",
    ".git/notes.txt": "三",
    "empty/": b"",
}


def test_other_hidden_and_empty_members_are_passed_over_and_counted(tmp_path, pack):
    path = pack(tmp_path / "a.zip", OF_ALL_KINDS)
    assert texts(path) == {"a.zip/A.TXT": "一\n", "a.zip/b.txt": "二\n"}
    pack(tmp_path / "b.zip", {"a.md": "三", "a.txt": "四"})
    passed_over = read_corpus(tmp_path / "*.zip").passed_over
    assert passed_over == {
        **{"of another kind": 2, "hidden": 2, "empty": 1},
        "left by a file manager": 1,
    }


def test_strict_refuses_what_is_passed_over_and_names_the_first(tmp_path, pack):
    path = pack(tmp_path / "a.zip", OF_ALL_KINDS)
    archives, options = files.match(str(path)), CorpusOptions(strict=True)
    named = [r"'\.git/notes\.txt' \(hidden\)", r"'cover\.jpg' \(of another kind\)"]
    message = rf"a\.zip holds .* strict=True refuses: {', '.join(named)}, 'x/.*: take it out"
    with pytest.raises(CorpusError, match=message):
        reader.check(archives, options)  # before a text is read
    pack(path, {"a.txt": "一", "b.txt": b""})
    reader.check(archives, options)
    with pytest.raises(CorpusError, match=r"refuses: 'b\.txt' \(empty\): take it out, or give"):
        reader.inspect(archives, options)
    pack(path, {"a.txt": "一"})
    assert reader.inspect(archives, options).passed_over == {}


@pytest.mark.parametrize(
    ("source", "opening"),
    [
        ("东风破\n\n  一盏离愁 孤单\n", "东风破 一盏离愁 孤单"),
        ("\n \n" + "一" * 99, "一" * 12),
        ("一", "一"),
    ],
)
def test_how_the_corpus_begins(tmp_path, source, opening, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "\n", "b.txt": source, "c.txt": "二"})
    assert read_corpus(path).opening == opening


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("一\r\n二\r三\n四", "一\n二\n三\n四\n"),
        ("一\n\r\n\r\r二\n", "一\n\n\n\n二\n"),
        ("\ufeff一\ufeff\n\ufeff", "一\n"),  # as texts have them that were put together
        ("一\n\x1a", "一\n"),
        ("一\b\x1b二\x7f\x85\x9f\t三", "一二\t三\n"),
        ("一\r\x1a\n二", "一\n二\n"),
        ("e\ufeff\u0301", "é\n"),
        ("\u0378\u200d\ue000\U000323af", "\u0378\u200d\ue000\U000323af\n"),
        ("cafe\u0301\n", "café\n"),
        ("一\u2028二\v三\f四\u2029\n", "一\n二\n三\n四\n\n"),
        ("一\r", "一\n"),
    ],
)
def test_normal_form(tmp_path, source, expected, pack):
    (document,) = inspect(pack(tmp_path / "a.zip", {"a.txt": source}))
    assert text_of(document) == expected
    assert document.characters == len(expected)


def test_dropped_characters_are_counted_over_the_corpus(tmp_path, pack):
    members = {"a.txt": "\ufeff一\ufeff\x1a", "b.txt": "二\ufeff", "c.txt": "\x1a", "d.txt": "\v"}
    corpus = read_corpus(pack(tmp_path / "a.zip", members))
    assert corpus.dropped == {"\ufeff": 2, "\x1a": 2}
    assert corpus.passed_over == {"empty": 2}


def test_strict_takes_what_file_managers_leave_for_no_loss(tmp_path, pack):
    songs = {"专辑/": b"", "专辑/.DS_Store": b"\0", "专辑/一.txt": "一", "desktop.ini": b""}
    resources = {"__MACOSX/": b"", "__MACOSX/专辑/._一.txt": b"\0\5\x16\7", "专辑/._二.txt": b"\0"}
    path = pack(tmp_path / "a.zip", songs | resources | {"Thumbs.db": b""})
    archives, options = files.match(str(path)), CorpusOptions(strict=True)
    reader.check(archives, options)
    corpus = reader.inspect(archives, options)
    assert [document.name for document in corpus.documents] == ["a.zip/专辑/一.txt"]
    assert corpus.passed_over == {"left by a file manager": 5}


def test_strict_refuses_to_drop_characters(tmp_path, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "\ufeff一\x1a\b\x1a"})
    with pytest.raises(
        CorpusError, match=r"a\.txt' holds 2 U\+001A, 1 U\+0008, to drop .*strict=T"
    ):
        inspect(path, strict=True)


def test_a_compatibility_ideograph_becomes_the_unified_one(tmp_path, pack):
    assert texts(pack(tmp_path / "a.zip", {"a.txt": "\uf900"})) == {"a.zip/a.txt": "\u8c48\n"}


def test_empty_members_are_passed_over_with_a_warning(tmp_path, caplog, pack):
    members = {"a.txt": b"", "b.txt": b"\xef\xbb\xbf", "c.txt": " \r\n", "d.txt": "一"}
    path = pack(tmp_path / "a.zip", members)
    with caplog.at_level(logging.WARNING):
        (document,) = inspect(path)
    assert (document.index, document.member) == (0, "d.txt")
    assert [record.args[1] for record in caplog.records] == ["a.txt", "b.txt", "c.txt"]


def test_a_character_lost_before_is_named_and_kept(tmp_path, caplog, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "一\ufffd二\ufffd\n"})
    with caplog.at_level(logging.WARNING):
        assert texts(path) == {"a.zip/a.txt": "一\ufffd二\ufffd\n"}
    (record,) = caplog.records
    assert "'a.txt' came with 2 U+FFFD, the first at character 1" in record.getMessage()


def test_a_long_reading_says_how_far_it_is(tmp_path, caplog, monkeypatch, pack):
    path = pack(tmp_path / "a.zip", {f"{n:04}.txt": "一" for n in range(2_500)})
    ticks = itertools.count()
    monkeypatch.setattr(reader.time, "monotonic", lambda: next(ticks) / 1_000)
    with caplog.at_level(logging.INFO, "modules.corpus.reader"):
        assert len(inspect(path)) == 2_500
    assert [record.getMessage() for record in caplog.records] == ["reading: 1,999 of 2,500 songs"]


def test_a_small_member_is_opened_once(tmp_path, monkeypatch, pack):
    path = pack(tmp_path / "a.zip", {f"{n}.txt": "一" for n in range(10)})
    opened, really_open = [], zipfile.ZipFile.open

    def open_member(archive, member):
        opened.append(member.filename)
        return really_open(archive, member)

    monkeypatch.setattr(zipfile.ZipFile, "open", open_member)
    assert len(inspect(path)) == 10
    assert sorted(opened) == [f"{n}.txt" for n in range(10)]


def test_max_characters_takes_the_first_of_the_corpus(tmp_path, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "一二", "b.txt": "三四五", "c.txt": "六"})
    assert texts(path, max_characters=3) == {"a.zip/a.txt": "一二\n"}
    assert texts(path, max_characters=5) == {"a.zip/a.txt": "一二\n", "a.zip/b.txt": "三四"}
    assert len(texts(path, max_characters=99)) == 3


def test_all_of_the_corpus_is_checked_even_where_only_its_start_is_read(tmp_path, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "一二", "b.txt": b"\xff"})
    with pytest.raises(CorpusError, match=r"b\.txt"):
        inspect(path, max_characters=2)


def test_read_gives_passages_with_their_positions(tmp_path, pack):
    source = "".join(chr(0x4E00 + n) for n in range(10_000))
    (document,) = inspect(pack(tmp_path / "a.zip", {"a.txt": source}))
    with Archive(document.path, 100) as archive:
        found = list(passages(archive, document, 100, 9_000))
    assert [(position, len(text)) for position, text in found] == [
        (100, 4096),
        (4196, 4096),
        (8292, 708),
    ]
    assert "".join(text for _, text in found) == source[100:9_000]


def test_read_over_many_chunks(tmp_path, pack):
    source = "".join(chr(0x4E00 + n % 5_000) for n in range(100_000))  # 300,000 bytes
    (document,) = inspect(pack(tmp_path / "a.zip", {"a.txt": source}))
    stretches = ((0, 100_001), (0, 1), (70_000, 70_010), (4096, 8192), (99_999, 100_001))
    with Archive(document.path, 100) as archive:
        for start, stop in stretches:
            found = list(passages(archive, document, start, stop))
            assert "".join(text for _, text in found) == (source + "\n")[start:stop]
            assert all(0 < len(text) <= 4096 for _, text in found)
            assert found[0][0] == start


def test_read_says_if_the_archive_was_changed(tmp_path, pack):
    (document,) = inspect(pack(tmp_path / "a.zip", {"a.txt": "一二三"}))
    pack(tmp_path / "a.zip", {"a.txt": "一二"})
    with pytest.raises(CorpusError, match=r"'a\.txt' ends at character 3, not 4.*run again"):
        text_of(document)


def test_fingerprint_is_of_names_and_bytes_only(tmp_path):
    def fingerprint(folder):
        return files.fingerprint(files.match(str(tmp_path / folder / "*.zip")))

    for folder in ("one", "two", "other", "renamed"):
        (tmp_path / folder).mkdir()
        for name in ("a.zip", "b.zip"):
            content = name + ("!" if folder == "other" else "")
            (tmp_path / folder / name).write_text(content)
    (tmp_path / "renamed" / "b.zip").rename(tmp_path / "renamed" / "c.zip")
    assert fingerprint("one") == fingerprint("two")
    assert len({fingerprint(folder) for folder in ("one", "other", "renamed")}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "encoding='klingon'.*choose one of auto, utf-8"),
        ({"max_characters": 0}, "max_characters=0.*at least 1"),
        ({"max_ratio": 0.5}, "max_ratio=0.5.*at least 1"),
        ({"max_ratio": float("nan")}, "max_ratio=nan"),
        ({"max_bytes": 0}, "max_bytes=0.*at least 1"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ConfigError, match=message):
        CorpusOptions(**options)


def test_the_books_lyrics(shared_data):
    path = shared_data / "jaychou_lyrics.txt.zip"
    (document,) = inspect(path)
    text = text_of(document)
    assert (len(text), len(set(text)), text.count("\n")) == (63_282, 2_583, 5_819)
    assert document.characters == 63_282
    (start,) = inspect(path, max_characters=10_000)
    assert len(set(text_of(start).replace("\n", " "))) == 1_027


@pytest.mark.slow
def test_the_song_poems(shared_data):
    documents = inspect(shared_data / "songci.zip")
    assert len(documents) == 1_490
    assert sum(document.characters for document in documents) == 1_982_245
    found = set()
    with Archive(documents[0].path, 100) as archive:
        for document in documents:
            for _, text in passages(archive, document, 0, document.characters):
                found.update(text)
                assert unicodedata.is_normalized("NFC", text)
    assert len(found) == 6_045
