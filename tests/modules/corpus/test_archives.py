import contextlib
import logging
import random
import socket
import stat
import struct
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from modules.corpus import files, reader
from modules.corpus.reader import CorpusOptions
from modules.errors import CorpusError

pytestmark = pytest.mark.fast


def inspect(pattern, **options):
    return reader.inspect(files.match(str(pattern)), CorpusOptions(**options)).documents


def packed(*members, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of (name or ZipInfo, content)."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def lie(data, uncompressed=None, compressed=None, flags=0, index=0):
    """Changes what the central directory says of a member; flags also in its own header."""
    data = bytearray(data)
    entry = [i for i in range(len(data)) if data[i : i + 4] == b"PK\1\2"][index]
    if uncompressed is not None:
        struct.pack_into("<I", data, entry + 24, uncompressed)
    if compressed is not None:
        struct.pack_into("<I", data, entry + 20, compressed)
    (header,) = struct.unpack_from("<I", data, entry + 42)
    for place in (entry + 8, header + 6):
        struct.pack_into("<H", data, place, struct.unpack_from("<H", data, place)[0] | flags)
    return bytes(data)


SONG = ("b.txt", "一二三四五六七八九十\n" * 3)


def store(tmp_path, data):
    path = tmp_path / "songs.zip"
    path.write_bytes(data)
    return path


def refused(tmp_path, data, message, **options):
    """The archive is refused by an error that names it, in one line."""
    path = store(tmp_path, data)
    with pytest.raises(CorpusError, match=message) as raised:
        inspect(path, **options)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_such_file(tmp_path):
    with pytest.raises(CorpusError, match=r"no such file: .*songs\.zip: give the path"):
        inspect(tmp_path / "songs.zip")


def test_nothing_matched(tmp_path):
    with pytest.raises(CorpusError, match=r"nothing matches .*\*\.zip: give a pattern"):
        inspect(tmp_path / "*.zip")


def test_what_cannot_be_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("songs.zip")
        with pytest.raises(CorpusError, match=r"songs\.zip cannot be read \(No such device"):
            inspect("songs.zip")


@pytest.mark.parametrize("data", [b"", b"PK", "一二三\n".encode(), bytes(1000)])
def test_not_a_zip(tmp_path, data):
    refused(tmp_path, data, "is not a zip, a .txt file or a folder of them: pack the texts")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_truncated(tmp_path, kept):
    data = packed(("a.txt", random.Random(0).randbytes(1000).hex()), SONG)
    refused(tmp_path, data[: int(len(data) * kept)], "is truncated or damaged .*: copy it again")


def test_crc_error(tmp_path):
    data = bytearray(packed(("a.txt", "一" * 50), SONG, method=zipfile.ZIP_STORED))
    data[data.index("一".encode()) + 2] ^= 1  # still UTF-8
    refused(tmp_path, data, r"'a\.txt' is damaged \(Bad CRC-32.*copy the archive again")


def test_damage_in_the_packed_bytes(tmp_path):
    data = bytearray(packed(SONG))
    data[data.index(b"b.txt") + 5] = 0xFF  # no such kind of block
    refused(tmp_path, data, r"'b\.txt' is damaged")


def test_fewer_bytes_than_the_directory_says(tmp_path):
    data = packed(SONG)
    refused(tmp_path, lie(data, uncompressed=10_000), "holds 93 bytes, not the 10000")


def test_more_bytes_than_the_directory_says(tmp_path):
    refused(tmp_path, lie(packed(SONG), uncompressed=10), r"'b\.txt' is damaged \(Bad CRC-32")


@pytest.mark.parametrize("flags", [0x1, 0x41])
def test_encrypted(tmp_path, flags):
    data = lie(packed(SONG), flags=flags)
    refused(tmp_path, data, r"'b\.txt' is encrypted: pack it without a password")


def test_an_encrypted_member_that_is_no_text_does_not_matter(tmp_path):
    path = store(tmp_path, lie(packed(("a.jpg", b"1"), SONG), flags=1))
    assert [document.member for document in inspect(path)] == ["b.txt"]


@pytest.mark.parametrize(
    "members", [[], [("a.jpg", b"1"), ("txt", b"2")], [("__MACOSX/a.txt", "")]]
)
def test_no_text_member(tmp_path, members):
    refused(tmp_path, packed(*members), r"holds no \.txt member .*: add texts")


def test_only_empty_members(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        data = packed(("a.txt", b""), ("b.txt", b"\xef\xbb\xbf"), ("c.txt", " \n\n"))
        refused(tmp_path, data, "holds only empty texts: add some")


def test_undecodable_bytes(tmp_path):
    wrong = "一二".encode() + b"\xff" + "三".encode()
    message = r"'x/a\.txt' holds ff at byte offset 6, which is not utf-8: .*give the encoding"
    refused(tmp_path, packed(SONG, ("x/a.txt", wrong)), message)


def test_undecodable_bytes_after_megabytes(tmp_path):
    before = "".join(map(chr, range(0x4E00, 0x9000))).encode() * 40
    data = packed(("a.txt", before + b"\xe4\xb8" + b"\n"))
    refused(tmp_path, data, f"byte offset {len(before)}", encoding="utf-8")
    refused(tmp_path, data, f"byte offset {len(before)}, which is not utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "/a.txt",
        "../a.txt",
        "x/../../a.txt",
        "\\a.txt",
        "..\\a.txt",
        "C:\\a.txt",
        "c:/a.txt",
        "/x/",
        "x/..",
    ],
)
def test_names_that_lead_out_of_the_archive(tmp_path, name):
    refused(tmp_path, packed((name, "一"), SONG), "is no path inside the archive: .*relative names")


@pytest.mark.parametrize("name", ["a..b/c...txt", "V: final night.txt", "x/c:a.txt", "c:a.txt"])
def test_dots_and_colons_in_a_name_are_no_way_out(tmp_path, name):
    path = store(tmp_path, packed((name, "一")))
    assert [document.member for document in inspect(path)] == [name]


@pytest.mark.parametrize("name", ["a.txt", "a.jpg"])
def test_symbolic_links(tmp_path, name):
    link = zipfile.ZipInfo(name)
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(tmp_path, packed((link, "/etc/passwd"), SONG), f"'{name}' is a symbolic link: pack the")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names", [("a.txt", "a.txt"), ("x/a.txt", "x\\a.txt"), ("é.txt", "e\u0301.txt")]
)
def test_duplicate_names(tmp_path, names):
    data = packed(*((name, "一") for name in names))
    refused(tmp_path, data, "is there twice: keep one")


@pytest.mark.parametrize(
    "name", ["more.zip", "x/MORE.ZIP", "more.7z", "more.tar.gz", "more.rar", "a.txt"]
)
def test_nested_archives(tmp_path, name):
    refused(tmp_path, packed((name, packed(SONG)), SONG), f"'{name}' is an archive in the archive")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_methods_that_keep_no_limit(tmp_path, method):
    refused(tmp_path, packed(SONG, method=method), "is packed by method .*stored or deflated")


def test_the_ratio(tmp_path):
    data = packed(SONG, ("bomb.txt", "一\n" * 2**19))  # 2 MiB in some KiB
    message = r"'bomb\.txt' unpacks to over max_ratio=100 times its \d+ bytes.*zip bomb"
    refused(tmp_path, data, message)
    assert len(inspect(tmp_path / "songs.zip", max_ratio=10_000)) == 2


def test_a_small_text_is_no_bomb_however_much_it_repeats(tmp_path):
    path = store(tmp_path, packed(("la.txt", "la la la\n" * 10_000)))
    assert len(inspect(path)) == 1


def test_the_total_is_over_all_the_corpus(tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(packed(SONG, ("a.txt", "一")))
    assert len(inspect(tmp_path / "*.zip", max_bytes=192)) == 4
    with pytest.raises(CorpusError, match=r"b\.zip: 'b\.txt' takes the corpus over max_bytes"):
        inspect(tmp_path / "*.zip", max_bytes=191)


def test_members_that_overlap(tmp_path):
    members = [(f"{n}.txt", random.Random(n).randbytes(500).hex()) for n in range(3)]
    data = packed(*members)
    (size,) = struct.unpack_from("<I", data, data.index(b"PK\1\2") + 20)
    for index in range(3):
        data = lie(data, compressed=size + 600, index=index)
    refused(tmp_path, data, "they overlap, as in a zip bomb")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5"])
@pytest.mark.parametrize(
    "names",
    [
        ["東風破/髮如雪與千里之外.txt", "菊花臺與青花瓷.txt"],
        ["東風破/晴天.txt", "東風破/稻香.txt"],
    ],
)
def test_names_that_are_not_marked_as_utf8(tmp_path, encoding, names):
    stand_ins = [f"{n}".rjust(len(name.encode(encoding)), "x") for n, name in enumerate(names)]
    data = packed(*((name, "一") for name in stand_ins))
    for stand_in, name in zip(stand_ins, names, strict=True):
        data = data.replace(stand_in.encode(), name.encode(encoding))
    path = store(tmp_path, data)
    assert sorted(document.member for document in inspect(path)) == sorted(names)


def test_names_in_no_known_encoding_stay_as_zip_has_them(tmp_path):
    path = store(tmp_path, packed(("00a.txt", "一"), SONG).replace(b"00a", b"\xff\xfea"))
    assert [document.member for document in inspect(path)] == ["b.txt", "\xa0\u25a0a.txt"]


def test_a_comment_is_read_over_unless_it_ends_the_zip_itself(tmp_path):
    def commented(comment):
        data = packed(SONG)
        return data[:-2] + struct.pack("<H", len(comment)) + comment

    store(tmp_path, commented(b"PK, fine"))
    assert len(inspect(tmp_path / "songs.zip")) == 1
    for comment in (packed(), b"x" * 40_000 + packed() + b"y", packed(("a.txt", "二"))):
        refused(tmp_path, commented(comment), "read in two ways, for its comment holds the end")


def test_one_bad_archive_of_many_is_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(packed(SONG))
    (tmp_path / "b.zip").write_text("no")
    with pytest.raises(CorpusError, match=r"b\.zip is not a zip"):
        inspect(tmp_path / "*.zip")


def test_any_truncation_is_refused(tmp_path):
    data = packed(("a.txt", "歌" * 30), SONG)
    for size in range(len(data)):
        refused(tmp_path, data[:size], "is not a zip,|is truncated or damaged")


def test_any_damage_is_refused_or_harmless(tmp_path):
    """Whatever byte is changed, there is a text or one error, never another exception."""
    generator = random.Random(0)
    path = tmp_path / "songs.zip"
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = packed(("a.txt", "歌" * 30), ("歌.txt", "一\r\n"), method=method)
        for place in range(len(data)):
            damaged = bytearray(data)
            damaged[place] = generator.choice((0, 0xFF, damaged[place] ^ 1, damaged[place] ^ 0x80))
            path.write_bytes(damaged)
            with contextlib.suppress(CorpusError):
                assert inspect(path)


MEBIBYTE = 2**20

PEAK = """
import sys
from modules.corpus import files, reader
from modules.errors import CorpusError

def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024

before = peak()
options = reader.CorpusOptions(max_ratio=float(sys.argv[2]), max_bytes=int(sys.argv[3]))
try:
    print(reader.inspect(files.match(sys.argv[1]), options).documents[0].characters)
except CorpusError as error:
    print(error)
print(peak() - before)
"""


def outcome(path, max_ratio=100, max_bytes=2**30):
    """What inspecting says, and the memory it takes, in MiB, in a process of its own."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from Linux's /proc")
    arguments = [str(path), str(max_ratio), str(max_bytes)]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments],
        cwd=Path(reader.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    said, memory = done.stdout.splitlines()
    return said, int(memory)


def pack_blocks(path, block, count, method=zipfile.ZIP_DEFLATED):
    with (
        zipfile.ZipFile(path, "w", method) as archive,
        archive.open("bomb.txt", "w", force_zip64=False) as member,
    ):
        for _ in range(count):
            member.write(block)
    return path


@pytest.mark.slow
def test_a_bomb_of_zeros_in_little_memory(tmp_path):
    path = pack_blocks(tmp_path / "bomb.zip", bytes(MEBIBYTE), 320)
    assert path.stat().st_size < MEBIBYTE
    said, memory = outcome(path)
    assert "unpacks to over max_ratio=100 times" in said
    assert memory < 200
    said, memory = outcome(path, max_ratio=1e9, max_bytes=300 * MEBIBYTE)
    assert "takes the corpus over max_bytes" in said
    assert memory < 200


@pytest.mark.slow
@pytest.mark.parametrize("uncompressed", [10, 2**32 - 2])
def test_a_bomb_that_lies_about_its_size_in_little_memory(tmp_path, uncompressed):
    path = pack_blocks(tmp_path / "bomb.zip", b"a" * MEBIBYTE, 320)
    path.write_bytes(lie(path.read_bytes(), uncompressed=uncompressed))
    said, memory = outcome(path)
    assert "is damaged (Bad CRC-32" in said or "unpacks to over max_ratio=100 times" in said
    assert memory < 200


@pytest.mark.slow
def test_a_text_of_one_endless_line_in_little_memory(tmp_path):
    line = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))).encode()
    path = pack_blocks(tmp_path / "line.zip", line, 2_000)  # 120 MB
    said, memory = outcome(path)
    assert said == str(2_000 * 20_000 + 1)
    assert memory < 200
