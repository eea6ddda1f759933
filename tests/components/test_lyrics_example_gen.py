import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest
from tfx.components.util import examples_utils
from tfx.types import artifact_utils, standard_artifacts

from components import Documents
from components.lyrics_example_gen import LyricsExampleGen, source
from components.lyrics_example_gen.executor import Executor
from components.stream import Stream, path_of
from modules.corpus.fetching import FILES
from modules.corpus.holdout import HoldOut
from modules.corpus.reader import CorpusOptions
from modules.errors import ConfigError, CorpusError


@pytest.fixture(autouse=True)
def anew():
    """Copies of what is elsewhere are of one run."""
    yield
    FILES.close()


def run_executor(directory, pattern, options=None, hold_out=None, **properties):
    """The artifact that the executor writes where no driver ran."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(directory / "examples")
    documents = Documents()
    documents.uri = str(directory / "documents")
    Executor().Do(
        {},
        {"examples": [artifact], "documents": [documents]},
        {
            "input_pattern": str(pattern),
            "corpus": json.dumps(asdict(options or CorpusOptions())),
            "hold_out": json.dumps(asdict(hold_out or HoldOut())),
            "source_digest": "0",
            **properties,
        },
    )
    return artifact


@pytest.fixture
def records(read_examples):
    """(document_index, position, document, text) of the Examples of a split, as written."""

    def read(artifact, split):
        folder = Path(artifact_utils.get_split_uri([artifact], split))
        found = read_examples(*sorted(folder.iterdir()))
        names = ("document_index", "position", "document", "text")
        assert all(set(features) == set(names) for features in found)
        return [tuple(features[name][0] for name in names) for features in found]

    return read


def test_the_examples_of_whole_documents(tmp_path, pack, records):
    members = {f"{n}.txt": f"第{n}首歌\r\n" for n in range(10)}
    artifact = run_executor(tmp_path, pack(tmp_path / "歌.zip", members))
    train, held_out = records(artifact, "train"), records(artifact, "eval")
    assert sorted(train + held_out) == [
        (n, 0, f"歌.zip/{n}.txt", f"第{n}首歌\n") for n in range(10)
    ]
    assert len(held_out) == 1


def test_the_examples_of_one_document_have_positions_and_a_gap(tmp_path, pack, records):
    text = "".join(chr(0x4E00 + n) for n in range(9_999)) + "\n"
    artifact = run_executor(tmp_path, pack(tmp_path / "a.zip", {"x/a.txt": text}))
    train, held_out = records(artifact, "train"), records(artifact, "eval")
    assert [(index, position) for index, position, _, _ in sorted(train + held_out)] == [
        (0, 0),
        (0, 4_096),
        (0, 8_192),
        (0, 9_000),
    ]
    for _, position, document, passage in train + held_out:
        assert document == "a.zip/x/a.txt"
        assert passage == text[position : position + len(passage)]
    assert sum(len(record[3]) for record in train) == 8_750
    streams = [Stream.load(path_of(str(tmp_path / "documents"), s)) for s in ("train", "eval")]
    assert [stream.documents for stream in streams] == [
        [(0, "a.zip/x/a.txt", 0, 8_750)],
        [(0, "a.zip/x/a.txt", 9_000, 1_000)],
    ]
    assert sum(len(record[3]) for record in held_out) == 1_000


def test_what_beam_is_told_does_not_grow_with_the_songs(tmp_path, pack, monkeypatch):
    """An engine takes a graph of some megabytes; the list of the songs lies in a file."""
    made, make = [], Executor.pipeline
    monkeypatch.setattr(Executor, "pipeline", lambda self: made.append(make(self)) or made[-1])
    for songs in (20, 2_000):
        directory = tmp_path / f"{songs:04d}"
        directory.mkdir()
        members = {f"{n * 7919 % 10_007}.txt": f"第{n}首歌\n" for n in range(songs)}
        run_executor(directory, pack(directory / "a.zip", members))
        assert sum(len(stream) for stream in streams(directory)) == songs
        assert sorted(os.listdir(directory / "documents")) == ["eval.json", "train.json"]
    few, many = (pipeline.to_runner_api().ByteSize() for pipeline in made)
    assert many == pytest.approx(few, rel=0.05)


def streams(directory) -> list:
    paths = (path_of(str(directory / "documents"), split) for split in ("train", "eval"))
    return [Stream.load(path).documents for path in paths]


def test_the_artifact_says_what_it_holds(tmp_path, pack):
    artifact = run_executor(tmp_path, pack(tmp_path / "a.zip", {"a.txt": "一" * 999}))
    assert artifact_utils.decode_split_names(artifact.split_names) == ["train", "eval"]
    assert examples_utils.get_payload_format_string(artifact) == "FORMAT_TF_EXAMPLE"
    assert examples_utils.get_file_format(artifact) == "tfrecords_gzip"
    assert artifact.span == 0
    assert not artifact.has_custom_property("version")
    assert len(artifact.get_string_custom_property("input_fingerprint")) == 64


def test_the_artifact_gives_account_of_the_corpus(tmp_path, pack):
    members = {f"{n}.txt": f"第{n}首歌\n" for n in range(10)} | {".a.txt": "一", "a.md": "二"}
    members["9.txt"] += "\x1a"
    artifact = run_executor(tmp_path, pack(tmp_path / "歌.zip", members))
    assert json.loads(artifact.get_string_custom_property("account")) == {
        "songs": 10,
        "characters": 50,
        "held_out_songs": 1,
        "held_out_characters": 5,
        "copies": 0,
        "known_songs": 0,
        "passed_over": {"hidden": 1, "of another kind": 1},
        "dropped": {"U+001A": 1},
        "opening": "第0首歌",
    }


def test_validation_is_a_split_beside_the_others(tmp_path, pack, records):
    members = {f"{n}.txt": f"第{n}首歌\n" for n in range(10)}
    path, hold_out = pack(tmp_path / "歌.zip", members), HoldOut(validation_ratio=0.2)
    artifact = run_executor(tmp_path, path, hold_out=hold_out)
    splits = artifact_utils.decode_split_names(artifact.split_names)
    assert splits == ["train", "validation", "eval"]
    written = [records(artifact, split) for split in splits]
    assert [*map(len, written)] == [7, 2, 1]
    assert sorted(index for split in written for index, *_ in split) == [*range(10)]


def test_nothing_held_out_is_no_split(tmp_path, pack, records):
    path = pack(tmp_path / "a.zip", {"a.txt": "一二三"})
    artifact = run_executor(tmp_path, path, hold_out=HoldOut("none"))
    assert artifact_utils.decode_split_names(artifact.split_names) == ["train"]
    assert os.listdir(artifact.uri) == ["Split-train"]
    assert records(artifact, "train") == [(0, 0, "a.zip/a.txt", "一二三\n")]


def test_the_options_arrive(tmp_path, pack, records):
    path = pack(tmp_path / "a.zip", {"a.txt": "裏面的歌".encode("cp950")})
    options = CorpusOptions(encoding="big5", max_characters=3)
    artifact = run_executor(tmp_path, path, options, HoldOut("none"))
    assert records(artifact, "train") == [(0, 0, "a.zip/a.txt", "裏面的")]


def test_bad_input_is_refused_before_anything_is_written(tmp_path, pack):
    members = {f"{n}.txt": "一" for n in range(20)} | {"z.txt": b"\xff"}
    with pytest.raises(CorpusError, match=r"'z\.txt' holds ff at byte offset 0"):
        run_executor(tmp_path, pack(tmp_path / "a.zip", members))
    with pytest.raises(ConfigError, match="leave nothing to train on"):
        run_executor(tmp_path, pack(tmp_path / "b.zip", {"a.txt": "一"}))
    assert not (tmp_path / "examples").exists()


def test_archives_that_changed_since_the_driver_looked(tmp_path, pack):
    path = pack(tmp_path / "a.zip", {"a.txt": "一" * 999})
    fingerprint = source.resolve(str(path)).fingerprint
    run_executor(tmp_path / "before", path, input_fingerprint=fingerprint)
    pack(path, {"a.txt": "二" * 999})
    with pytest.raises(CorpusError, match=r"a\.zip were changed while"):
        run_executor(tmp_path / "after", path, input_fingerprint=fingerprint)


def test_the_newest_version_of_the_newest_span(tmp_path, pack):
    for span, version in (("1", "7"), ("9", "2"), ("10", "1"), ("10", "03")):
        pack(tmp_path / f"span-{span}" / f"v{version}" / "a.zip", {"a.txt": "一" * 999})
    found = source.resolve(f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*.zip")
    assert (found.span, found.version) == (10, 3)
    assert found.archives == {"a.zip": f"{tmp_path}/span-10/v03/a.zip"}
    artifact = run_executor(tmp_path, f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*.zip")
    assert artifact.span == 10
    assert artifact.version == 3


def test_the_newest_span_in_a_bucket(bucket, web):
    for name in ("span-1/v7/a.zip", "span-10/v1/a.zip", "span-10/v03/b.zip", "no-x.zip"):
        bucket.put_object(Key=f"songs/{name}", Body=b"")
    pattern = f"s3://{bucket.name}/songs/span-{{SPAN}}/v{{VERSION}}/*.zip"
    found = source.resolve(pattern)
    assert (found.span, found.version) == (10, 3)
    assert found.archives == {"b.zip": f"s3://{bucket.name}/songs/span-10/v03/b.zip"}
    with pytest.raises(CorpusError, match=r"^nothing matches .* span number from s3://"):
        source.resolve(f"s3://{bucket.name}/songs/no-{{SPAN}}.zip")
    with pytest.raises(CorpusError, match="placeholders, but folders of the web cannot be listed"):
        source.resolve(f"{web.address}/span-{{SPAN}}/a.zip")


def test_a_span_without_a_version(tmp_path, pack):
    pack(tmp_path / "span-5.zip", {"a.txt": "一"})
    found = source.resolve(f"{tmp_path}/span-{{SPAN}}.zip")
    assert (found.span, found.version) == (5, None)
    assert found.properties().keys() == {"span", "input_fingerprint"}


@pytest.mark.parametrize("folder", [None, "span-old/v1"])
def test_no_span_matches(tmp_path, folder, pack):
    if folder:
        pack(tmp_path / folder / "a.zip", {"a.txt": "一"})
    with pytest.raises(CorpusError, match=r"nothing matches .*\{SPAN\}"):
        source.resolve(f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*.zip")


def test_placeholders_are_checked_when_the_pipeline_is_built():
    with pytest.raises(ConfigError, match=r"Version spec .*: give a pattern such as"):
        LyricsExampleGen("v{VERSION}/*.zip", CorpusOptions(), HoldOut())


def test_a_corpus_of_the_web_is_fetched_once(tmp_path, pack, web, records):
    pack(tmp_path / "web" / "歌.zip", {"a.txt": "一二"})
    address = f"{web.address}/{quote('歌.zip')}?at=once"
    artifact = run_executor(tmp_path, address, hold_out=HoldOut("none"))
    assert records(artifact, "train") == [(0, 0, "歌.zip/a.txt", "一二\n")]
    assert len(web.asked) == 1


def test_a_folder_is_read_on_the_workers_too(tmp_path, records):
    for name in ("songs/in/a.txt", "songs/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    artifact = run_executor(tmp_path, f"{tmp_path}/songs", hold_out=HoldOut("none"))
    assert records(artifact, "train") == [
        (0, 0, "songs/b.txt", "songs/b.txt\n"),
        (1, 0, "songs/in/a.txt", "songs/in/a.txt\n"),
    ]


def test_a_folder_in_a_bucket_is_read_on_the_workers_too(tmp_path, bucket, records):
    bucket.put_object(Key="songs/in/a.txt", Body=b"a")
    bucket.put_object(Key="songs/b.txt", Body=b"b")
    artifact = run_executor(tmp_path, f"s3://{bucket.name}/songs/", hold_out=HoldOut("none"))
    assert records(artifact, "train") == [
        (0, 0, "songs/b.txt", "b\n"),
        (1, 0, "songs/in/a.txt", "a\n"),
    ]


SONG = {"a.txt": "一二三四五\n" * 200}


@pytest.fixture
def run(workplace):
    """Runs LyricsExampleGen in a pipeline; returns its state."""

    def run(pattern, corpus=None, hold_out=None) -> str:
        options = corpus or CorpusOptions(), hold_out or HoldOut()
        component = LyricsExampleGen(str(pattern), *options)
        return workplace.run(component)["LyricsExampleGen"]

    return run


@pytest.fixture
def written(workplace):
    """The files that are there of all runs."""
    artifacts = workplace.root / "artifacts" / "LyricsExampleGen" / "examples"
    return lambda: [path for path in artifacts.rglob("*") if path.is_file()]


def test_the_cache_misses_when_the_data_change_and_only_then(run, written, pack, tmp_path):
    path = pack(tmp_path / "data" / "a.zip", SONG)
    assert run(path) == "COMPLETE"
    assert len(written()) == 2
    assert run(path) == "CACHED"

    copy = shutil.copy(path, tmp_path / "copy.zip")
    path.unlink()
    shutil.copy(copy, path)
    os.utime(path, (time.time() + 100, time.time() + 100))
    assert run(path) == "CACHED"

    pack(path, SONG | {"b.txt": "六"})
    assert run(path) == "COMPLETE"
    shutil.copy(copy, path)  # back to what was there at first
    assert run(path) == "CACHED"


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_the_cache_misses_when_a_text_changes_wherever_it_lies(run, tmp_path, request, place):
    def put(name, text):
        if place == "bucket":
            bucket.put_object(Key=f"songs/{name}", Body=text.encode())
        else:
            (tmp_path / "songs" / name).write_text(text)

    bucket = request.getfixturevalue("bucket") if place == "bucket" else None
    (tmp_path / "songs").mkdir()
    pattern = f"s3://{bucket.name}/songs" if bucket else tmp_path / "songs"
    for name, text, state in [
        ("a.txt", SONG["a.txt"], "COMPLETE"),
        (".hidden", "no text", "CACHED"),
        ("a.txt", SONG["a.txt"], "CACHED"),  # later, and the same
        ("a.txt", SONG["a.txt"].replace("一", "六"), "COMPLETE"),
        ("b.txt", "七", "COMPLETE"),
    ]:
        put(name, text)
        assert run(pattern) == state, name
        FILES.close()


def test_the_cache_sees_options_and_code(run, pack, tmp_path, edit_sources):
    path = pack(tmp_path / "a.zip", SONG)
    assert run(path) == "COMPLETE"
    assert run(path, hold_out=HoldOut(hold_out_gap=100)) == "COMPLETE"
    assert run(path, corpus=CorpusOptions(max_characters=1_000)) == "COMPLETE"
    assert run(path) == "CACHED"
    edit_sources("lyrics_example_gen")
    assert run(path) == "COMPLETE"


def test_a_new_span_is_read_and_recorded(run, workplace, pack, tmp_path):
    def recorded():
        return workplace.output("LyricsExampleGen", "examples")[1]

    pattern = tmp_path / "span-{SPAN}" / "v{VERSION}" / "*.zip"
    pack(tmp_path / "span-1" / "v1" / "a.zip", SONG)
    assert run(pattern) == "COMPLETE"
    first = recorded()
    pack(tmp_path / "span-2" / "v1" / "a.zip", SONG)
    assert run(pattern) == "COMPLETE"
    second = recorded()
    assert run(pattern) == "CACHED"
    assert (first["span"], first["version"]) == (1, 1)
    assert (second["span"], second["version"]) == (2, 1)
    # The span is new, the data are not.
    assert first["input_fingerprint"] == second["input_fingerprint"]


def test_a_bad_archive_fails_by_its_name_and_leaves_nothing(
    run, workplace, written, pack, tmp_path
):
    path = pack(tmp_path / "a.zip", SONG | {"z.txt": b"\xff"})
    with pytest.raises(CorpusError, match=r"a\.zip: 'z\.txt' holds ff at byte offset 0"):
        run(path)
    assert workplace.states() == {"LyricsExampleGen": "FAILED"}
    assert written() == []
    pack(path, SONG)
    assert run(path) == "COMPLETE"


def test_a_missing_archive_fails_and_is_not_remembered(run, workplace, written, pack, tmp_path):
    with pytest.raises(CorpusError, match=r"no such file: .*a\.zip"):
        run(tmp_path / "a.zip")
    assert workplace.states() == {"LyricsExampleGen": "FAILED"}
    assert written() == []
    assert run(pack(tmp_path / "a.zip", SONG)) == "COMPLETE"
