import random

import pytest

from modules.corpus.copies import originals
from modules.corpus.documents import Document
from modules.corpus.holdout import HoldOut, plan
from modules.errors import ConfigError
from modules.features import EVAL, TRAIN

pytestmark = pytest.mark.fast


def song(seed: int, characters: int = 600) -> str:
    chosen = random.Random(seed).choices([chr(0x4E00 + n) for n in range(800)], k=characters)
    return "\n".join("".join(chosen[start : start + 9]) for start in range(0, characters, 9))


def test_a_copy_is_found_whatever_its_white_space_and_a_few_changes():
    changed = song(1).replace("\n", "  \n\n").replace(song(1)[100:110], "全新的词句")
    assert originals([song(0), song(1), song(2), changed]) == {3: 1}


def test_the_shorter_one_is_the_copy_and_of_equals_the_later():
    collection = song(1) + song(2) + song(3)
    assert originals([song(1), song(2), collection, song(2), song(9)]) == {0: 2, 1: 2, 3: 2}
    assert originals([song(1), song(1)]) == {1: 0}


def test_songs_that_share_a_chorus_are_no_copies():
    chorus = song(7, 200)
    assert originals([song(1) + chorus, song(2) + chorus, song(3) + chorus]) == {}


def test_a_short_text_is_a_copy_of_the_same_alone():
    assert originals(["春天来了", "春天 来了\n", "春天来了花儿开", "", ""]) in (
        {1: 0},
        {1: 0, 4: 3},
    )


def test_what_nobody_shares_and_what_everybody_does_tells_nothing():
    assert originals([]) == originals([song(0), song(1)]) == {}
    assert originals([song(1)] * 102) == dict.fromkeys(range(1, 100), 0)


def documents(number: int) -> list[Document]:
    return [Document(i, f"{i}.txt", "a.zip", f"{i}.txt", "utf-8", 100) for i in range(number)]


def splits(pieces) -> dict[int, str]:
    return {piece.document_index: piece.split for piece in pieces}


def test_copies_are_where_their_originals_are():
    copies = {index: index - 10 for index in range(10, 20)}
    dealt = splits(plan(documents(20), HoldOut("documents", 0.2), copies))
    assert {*dealt.values()} == {TRAIN, EVAL}
    assert all(dealt[copy] == dealt[original] for copy, original in copies.items())
    assert sum(split == EVAL for split in dealt.values()) == 4
    # Without copies it is dealt as ever.
    assert plan(documents(20), HoldOut("documents", 0.2)) == plan(
        documents(20), HoldOut("documents", 0.2, copies="keep"), copies
    )


def test_copies_may_be_dropped_or_refused():
    copies = {11: 1, 12: 2}
    assert splits(plan(documents(13), HoldOut(copies="drop"), copies)).keys() == {*range(11)}
    with pytest.raises(ConfigError, match=r"copies='refuse' .*: '11.txt' copies '1.txt', '12.txt'"):
        plan(documents(13), HoldOut(copies="refuse"), copies)


def test_where_all_are_copies_of_one_they_are_dealt_all_the_same_and_it_is_said(caplog):
    dealt = splits(plan(documents(12), HoldOut(), dict.fromkeys(range(1, 12), 0)))
    assert {*dealt.values()} == {TRAIN, EVAL}
    assert "all songs are copies of so few that these cannot be kept apart" in caplog.text
