import codecs
import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.corpus.detection import guess, identify
from modules.corpus.encodings import CODECS, decode
from modules.errors import CorpusError

pytestmark = pytest.mark.fast

SIMPLIFIED = "春花秋月何时了，往事知多少。\n小楼昨夜又东风，故国不堪回首月明中。\n"
TRADITIONAL = "春花秋月何時了，往事知多少。\n小樓昨夜又東風，故國不堪回首月明中。\n"


def cut(data, size):
    """Chunks of `size` bytes, as a callable that gives them anew."""
    return lambda: (data[start : start + size] for start in range(0, len(data), size))


def read(data, encoding="auto", size=64):
    reading = identify(cut(data, size), encoding)
    text = "".join(decode(cut(data, size)(), reading.codec))
    assert reading.characters in (len(text), 0)
    return text


ENCODED = [
    ("utf-8", SIMPLIFIED.encode()),
    ("utf-8", codecs.BOM_UTF8 + SIMPLIFIED.encode()),
    ("utf-16", SIMPLIFIED.encode("utf-16")),
    ("utf-16", codecs.BOM_UTF16_BE + SIMPLIFIED.encode("utf-16-be")),
    ("gb18030", SIMPLIFIED.encode("gb18030")),
    ("big5", TRADITIONAL.encode("big5")),
]


@pytest.mark.parametrize(("encoding", "data"), ENCODED)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 65_536])
def test_encodings_by_option_however_the_bytes_are_cut(encoding, data, size):
    assert read(data, encoding, size) == (TRADITIONAL if encoding == "big5" else SIMPLIFIED)


@pytest.mark.parametrize(("encoding", "data"), ENCODED)
def test_encodings_detected(encoding, data):
    assert read(data) == (TRADITIONAL if encoding == "big5" else SIMPLIFIED)


@pytest.mark.parametrize("size", range(1, 20))
def test_utf8_is_not_judged_by_a_character_cut_in_two(size):
    assert read(("a" + SIMPLIFIED).encode(), "auto", size) == "a" + SIMPLIFIED


def test_gb18030_beyond_gbk():
    assert read("𠮷野家 é ḿ ᠀\n".encode("gb18030"), "gb18030") == "𠮷野家 é ḿ ᠀\n"


@pytest.mark.parametrize(("codec", "text"), [("cp950", "裏恒€\n"), ("big5hkscs", "嘅咗啲喺\n")])
def test_big5_as_it_is_met(codec, text):
    assert read(text.encode(codec), "big5") == text


# Lines of lyrics of some ten characters; what is short is what is hard to tell.
SHORT = [
    "天青色等烟雨 而我在等你",
    "明月几时有 把酒问青天",
    "让我们荡起双桨",
    "你问我爱你有多深 我爱你有几分",
    "朋友一生一起走 那些日子不再有",
    "大江东去 浪淘尽 千古风流人物",
]
SHORT_TRADITIONAL = [
    "天青色等煙雨 而我在等你",
    "明月幾時有 把酒問青天",
    "讓我們盪起雙槳",
    "你問我愛你有多深 我愛你有幾分",
    "朋友一生一起走 那些日子不再有",
    "大江東去 浪淘盡 千古風流人物",
]


@pytest.mark.parametrize("line", SHORT)
def test_short_simplified_lyrics_in_gb18030(line):
    assert guess(line.encode("gb18030")) == "gb18030"


@pytest.mark.parametrize("line", SHORT_TRADITIONAL)
def test_short_traditional_lyrics_in_big5(line):
    assert guess(line.encode("big5")) == "big5"


@pytest.mark.parametrize("codec", ["gb18030", "big5"])
def test_short_traditional_lyrics_are_never_taken_for_the_other(codec):
    for line in SHORT_TRADITIONAL:
        for start in range(len(line)):
            for stop in range(start + 1, len(line) + 1):
                data = line[start:stop].encode(codec)
                assert guess(data) in (codec, None)


def test_a_guess_that_is_not_clear_asks_for_the_encoding():
    with pytest.raises(CorpusError, match=r"give the encoding .* with encoding, .*iconv -f ENC"):
        read("了".encode("gb18030"))


def test_ascii_before_the_first_character_and_after():
    data = ("la " * 100_000 + SIMPLIFIED).encode("gb18030")
    assert read(data, "auto", 2**16).endswith(SIMPLIFIED)


KOREAN = "보고싶다 이런 내가 미워질 만큼 너를 사랑하고도 늘 외로운 나는\n"
JAPANESE = "津軽海峡冬景色 上野発の夜行列車 北国の春\n"
CYRILLIC = "Выходила на берег Катюша\n"


@pytest.mark.parametrize(
    ("encoding", "codec", "text"),
    [
        ("shift_jis", "cp932", JAPANESE + "①髙\n"),
        ("euc_jp", "euc_jp", JAPANESE),
        ("iso2022_jp", "iso2022_jp", JAPANESE),
        ("euc_kr", "cp949", KOREAN + "똠방각하\n"),
        ("windows-1250", "cp1250", "Żółty jesienny liść\n"),
        ("windows-1251", "cp1251", CYRILLIC),
        ("windows-1252", "cp1252", "Les cœurs d’été… déjà oubliés €\n"),
        ("windows-1258", "cp1258", "Diễm xưa\n"),
        ("iso-8859-1", "latin-1", "Über sieben Brücken\n"),
        ("iso-8859-7", "iso8859-7", "Σαγαπώ γιατί\n"),
        ("iso-8859-15", "iso8859-15", "Les cœurs d'été\n"),
        ("koi8-r", "koi8-r", CYRILLIC),
        ("koi8-u", "koi8-u", "Червона рута, її\n"),
        ("mac-roman", "mac-roman", "Für Elise\n"),
        ("utf-16le", "utf-16-le", SIMPLIFIED),
        ("utf-16be", "utf-16-be", SIMPLIFIED),
        ("utf-32", "utf-32", SIMPLIFIED),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 65_536])
def test_other_encodings_by_option(encoding, codec, text, size):
    data = unicodedata.normalize("NFD" if codec == "cp1258" else "NFC", text)
    data = data.replace("e\u0302\u0303", "ê\u0303") if codec == "cp1258" else data
    data = data.replace("o\u031b", "ơ").replace("u\u031b", "ư")
    assert read(data.encode(codec), encoding, size) == text


def test_every_encoding_that_is_offered_is_one():
    for names in CODECS.values():
        for name in names:
            assert codecs.lookup(name)


def test_utf32_is_detected_by_its_mark():
    assert read(SIMPLIFIED.encode("utf-32")) == SIMPLIFIED
    assert read(codecs.BOM_UTF32_BE + SIMPLIFIED.encode("utf-32-be")) == SIMPLIFIED


@pytest.mark.parametrize(
    "data",
    [
        "Les cœurs d'été, déjà oubliés".encode("cp1252"),
        "Über sieben Brücken mußt du gehn".encode("cp1252"),
        "chłopcy z tamtych lat".encode("iso8859-2"),
        "Выходила на берег Катюша".encode("cp1251"),
        "КАТЮША\nРАСЦВЕТАЛИ\nЯБЛОНИ".encode("iso8859-5"),
        "Подмосковные вечера".encode("koi8-r"),
        "เพลงชาติไทยประเทศไทยรวมเลือดเนื้อชาติเชื้อ".encode("cp874"),
        "夢ならばどれほどよかったでしょう".encode("shift_jis"),
        "東京 大阪 京".encode("shift_jis"),
        JAPANESE.encode("euc_jp"),
        KOREAN.encode("euc_kr"),
        (KOREAN * 50).encode("johab"),
        bytes(random.Random(0).randbytes(500)),
    ],
)
def test_other_encodings_are_refused(data):
    with pytest.raises(CorpusError, match=r"with encoding, such as euc_kr.*iconv"):
        read(data)


@pytest.mark.parametrize("codec", ["euc_kr", "euc_jp", "cp932", "cp1251", "koi8-r", "cp874"])
def test_no_short_text_in_another_encoding_is_taken_for_chinese(codec):
    texts = {"euc_kr": KOREAN, "euc_jp": JAPANESE, "cp932": JAPANESE, "cp874": "คู่กัดขอบคุณที่รักกัน"}
    text = texts.get(codec, CYRILLIC.upper())
    for start in range(len(text)):
        for stop in range(start + 1, len(text) + 1):
            assert guess(text[start:stop].encode(codec)) is None


@pytest.mark.parametrize("codec", ["iso2022_jp", "iso2022_kr"])
def test_escape_sequences_are_not_taken_for_a_text_in_ascii(codec):
    text = JAPANESE if codec == "iso2022_jp" else KOREAN
    with pytest.raises(CorpusError, match=r"is in ISO-2022.*give encoding='iso2022_jp', or conv"):
        read(text.encode(codec))


def test_damaged_utf8_is_never_taken_for_chinese_of_another_encoding():
    generator = random.Random(0)
    for line in SHORT:
        for _ in range(50):
            data = bytearray(line.encode())
            del data[generator.randrange(len(data))]
            try:
                data.decode()
            except UnicodeDecodeError as expected:
                with pytest.raises(CorpusError, match=f"byte offset {expected.start}, .* utf-8"):
                    read(bytes(data))


@pytest.mark.parametrize("size", [1, 3, 4, 64])
@pytest.mark.parametrize(
    ("encoding", "before", "wrong"),
    [
        ("utf-8", "一二三".encode(), b"\xff"),
        ("utf-8", codecs.BOM_UTF8 + "一".encode(), b"\xe4\xb8"),
        ("gb18030", "一二三".encode("gb18030"), b"\xff"),
        ("gb18030", "一".encode("gb18030"), b"\x81\x30\x81"),
        ("big5", "一二三".encode("big5"), b"\xff"),
        ("utf-16", "一二".encode("utf-16"), b"\x00\xdc"),
        ("utf-16", "一二".encode("utf-16"), b"\x00"),
    ],
)
def test_undecodable_bytes_are_named_with_their_offset(encoding, before, wrong, size):
    with pytest.raises(CorpusError, match=f"at byte offset {len(before)}, which is not "):
        read(before + wrong, encoding, size)


@pytest.mark.parametrize("size", [1, 3, 64])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("wrong", ["\0", "\ufdd0", "\uffff", "\U0001fffe", "\U0010ffff"])
def test_what_is_never_text_is_named_with_its_offset(encoding, wrong, size):
    before = "一a二".encode(encoding)
    codec = "utf-16-le" if encoding == "utf-16" else encoding
    data = before + (wrong + "三").encode(codec)
    with pytest.raises(CorpusError, match=rf"U\+{ord(wrong):04X} at byte offset {len(before)},"):
        read(data, encoding, size)


def test_utf16_without_a_byte_order_mark():
    with pytest.raises(CorpusError, match=r"no byte order mark.* as in encoding='utf-16le'"):
        read("一".encode("utf-16-le"), "utf-16")
    with pytest.raises(CorpusError, match=r"UTF-16 with a byte order mark, or .* with encoding"):
        read("la la".encode("utf-16-le"))


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_a_byte_order_mark_that_contradicts_the_option(encoding):
    with pytest.raises(CorpusError, match="byte order mark"):
        read(codecs.BOM_UTF8 + "一二".encode(), encoding)


# Characters that compose, decompose, reorder, or end lines.
TRICKY = st.text(
    st.sampled_from("一a\r\n \u0301\u0323\u1100\u1161\u11a8가각\u0bc6\u0bbe\u09be\uf900")
)


@given(TRICKY, st.integers(1, 9), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_the_normal_form_does_not_depend_on_the_cuts(text, size, codec):
    expected = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not expected.endswith("\n"):
        expected += "\n"
    assert "".join(decode(cut(text.encode(codec), size)(), codec)) == expected


def without_controls(text):
    text = re.sub("[\v\f\u2028\u2029]", "\n", text)
    kept = "\0\t\n\r"
    return "".join(
        c for c in text if c in kept or (unicodedata.category(c) != "Cc" and c != "\ufeff")
    )


@given(st.text(), st.integers(1, 9))
def test_any_text_comes_back_without_its_controls_or_is_refused(text, size):
    expected = without_controls(text).replace("\r\n", "\n").replace("\r", "\n")
    expected = unicodedata.normalize("NFC", expected)
    try:
        got = "".join(decode(cut(text.encode(errors="replace"), size)(), "utf-8"))
    except CorpusError:
        assert any(
            c == "\0" or ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) < 0xFDF0 for c in text
        )
    else:
        assert got.rstrip("\n") == expected.rstrip("\n")


def test_endless_combining_marks_are_refused():
    with pytest.raises(CorpusError, match="combining marks in a row"):
        read(b"a" + "\u0301".encode() * 100_000, "utf-8", 2**16)
