import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.corpus.documents import Document
from modules.corpus.holdout import HoldOut, Piece, plan
from modules.errors import ConfigError

pytestmark = pytest.mark.fast


def corpus(*lengths):
    return [
        Document(n, f"songs.zip/{n}.txt", "songs.zip", f"{n}.txt", "utf-8", length)
        for n, length in enumerate(lengths)
    ]


def characters(pieces, split):
    return sum(piece.stop - piece.start for piece in pieces if piece.split == split)


def held_out(pieces, split="eval"):
    return {piece.document_index for piece in pieces if piece.split == split}


def test_the_tail_of_one_document_after_a_gap():
    assert plan(corpus(10_000), HoldOut()) == [
        Piece(0, "train", 0, 8_750),
        Piece(0, "eval", 9_000, 10_000),
    ]


def test_the_tail_over_several_documents():
    hold_out = HoldOut("tail", hold_out_ratio=0.3, hold_out_gap=10)
    assert plan(corpus(50, 25, 5, 20), hold_out) == [
        Piece(0, "train", 0, 50),
        Piece(1, "train", 0, 10),
        Piece(1, "eval", 20, 25),
        Piece(2, "eval", 0, 5),
        Piece(3, "eval", 0, 20),
    ]


def test_a_gap_that_takes_whole_documents():
    assert plan(corpus(50, 10, 10, 30), HoldOut("tail", hold_out_ratio=0.3, hold_out_gap=25)) == [
        Piece(0, "train", 0, 45),
        Piece(3, "eval", 0, 30),
    ]


def test_no_gap():
    assert plan(corpus(100), HoldOut(hold_out_gap=0)) == [
        Piece(0, "train", 0, 90),
        Piece(0, "eval", 90, 100),
    ]


def test_auto_takes_documents_from_ten_on():
    assert plan(corpus(*[1_000] * 9), HoldOut())[-1] == Piece(8, "eval", 100, 1_000)
    pieces = plan(corpus(*[1_000] * 10), HoldOut())
    assert [(piece.start, piece.stop) for piece in pieces] == [(0, 1_000)] * 10
    assert len(held_out(pieces)) == 1


def test_documents_are_chosen_by_a_hash_of_their_names():
    names = {n: hashlib.sha256(f"songs.zip/{n}.txt".encode()).digest() for n in range(20)}
    assert held_out(plan(corpus(*[7] * 20), HoldOut())) == set(sorted(names, key=names.get)[:2])
    # A literal, so that it is seen if the choice ever changes.
    assert held_out(plan(corpus(*[7] * 20), HoldOut())) == {5, 13}


def test_the_choice_does_not_depend_on_the_order_of_the_documents():
    documents = corpus(*range(10, 60))
    names = [documents[n].name for n in held_out(plan(documents, HoldOut()))]
    turned = documents[::-1]
    pieces = plan(turned, HoldOut())
    assert sorted(names) == sorted(documents[n].name for n in held_out(pieces))


def test_a_large_document_does_not_break_the_ratio():
    for large in range(20):
        lengths = [100] * 20
        lengths[large] = 10_000
        held = characters(plan(corpus(*lengths), HoldOut()), "eval")
        assert 1_000 <= held <= 1_300


def test_where_every_document_is_too_large_the_smallest_is_held_out():
    assert held_out(plan(corpus(90, 80, 100), HoldOut("documents", hold_out_ratio=0.01))) == {1}


def test_something_is_always_left_to_train_on():
    pieces = plan(corpus(1, 1, 1), HoldOut("documents", hold_out_ratio=0.99))
    assert (characters(pieces, "train"), characters(pieces, "eval")) == (1, 2)


def test_none_holds_nothing_out():
    assert plan(corpus(3, 4), HoldOut("none")) == [Piece(0, "train", 0, 3), Piece(1, "train", 0, 4)]


def test_validation_is_the_tail_of_what_is_left():
    assert plan(corpus(10_000), HoldOut(validation_ratio=0.2)) == [
        Piece(0, "train", 0, 6_750),
        Piece(0, "validation", 7_000, 8_750),  # a fifth of the 8,750
        Piece(0, "eval", 9_000, 10_000),
    ]


def test_validation_takes_documents_and_leaves_those_held_out_as_they_were():
    documents = corpus(*[7] * 20)
    pieces = plan(documents, HoldOut(validation_ratio=0.2))
    assert held_out(pieces) == held_out(plan(documents, HoldOut())) == {5, 13}
    left = [n for n in range(20) if n not in (5, 13)]
    names = {n: hashlib.sha256(f"validationsongs.zip/{n}.txt".encode()).digest() for n in left}
    # A fifth of 18 documents is 3.6.
    assert held_out(pieces, "validation") == set(sorted(names, key=names.get)[:4])
    assert len(held_out(pieces, "train")) == 14


def test_validation_without_held_out_text():
    hold_out = HoldOut("none", hold_out_gap=5, validation_ratio=0.1)
    assert plan(corpus(60, 40), hold_out) == [
        Piece(0, "train", 0, 60),
        Piece(1, "train", 0, 25),
        Piece(1, "validation", 30, 40),
    ]
    assert len(held_out(plan(corpus(*[9] * 20), hold_out), "validation")) == 2


def test_every_split_of_few_documents_gets_one():
    hold_out = HoldOut("documents", hold_out_ratio=0.99, validation_ratio=0.5)
    pieces = plan(corpus(1, 1, 1), hold_out)
    assert sorted(piece.split for piece in pieces) == ["eval", "train", "validation"]


@pytest.mark.parametrize(
    ("hold_out", "splits"),
    [
        (HoldOut(), ("train", "eval")),
        (HoldOut(validation_ratio=0.1), ("train", "validation", "eval")),
        (HoldOut("none"), ("train",)),
        (HoldOut("none", validation_ratio=0.1), ("train", "validation")),
    ],
)
def test_the_splits_are_those_that_are_planned(hold_out, splits):
    assert hold_out.splits == splits
    assert {piece.split for piece in plan(corpus(*[900] * 4), hold_out)} == set(splits)


@pytest.mark.parametrize(
    ("lengths", "hold_out", "message"),
    [
        ([500], HoldOut("documents"), "needs at least 2 documents; the corpus has 1: give more"),
        (
            [270],
            HoldOut(),
            "hold_out_gap=250 leave nothing to train on; the corpus has 270 characters",
        ),
        ([1], HoldOut(hold_out_gap=0), "leave nothing to train on"),
        (
            [600],
            HoldOut(validation_ratio=0.5),
            "validation_ratio=0.5 and hold_out_gap=250 leave nothing to train on; the corpus has",
        ),
        ([9, 9], HoldOut("documents", validation_ratio=0.1), "at least 3 documents"),
    ],
)
def test_a_split_is_never_empty(lengths, hold_out, message):
    with pytest.raises(ConfigError, match=message):
        plan(corpus(*lengths), hold_out)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hold_out_policy": "lines"},
            "hold_out_policy='lines' is not known: choose one of auto, documents",
        ),
        ({"hold_out_ratio": 0}, "hold_out_ratio=0 is out of range"),
        ({"hold_out_ratio": 1.0}, "hold_out_ratio=1.0 is out of range"),
        ({"hold_out_ratio": float("nan")}, "hold_out_ratio=nan is out of range"),
        ({"hold_out_gap": -1}, "hold_out_gap=-1 is out of range: give a value at least 0"),
        ({"validation_ratio": 0.6}, "validation_ratio=0.6 is out of range"),
        ({"validation_ratio": float("nan")}, "validation_ratio=nan is out of range"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ConfigError, match=message):
        HoldOut(**options)


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=30), st.floats(0.01, 0.9), st.integers(0, 9)
)
def test_the_tail_leaves_out_the_gap_and_nothing_else(lengths, ratio, gap):
    total = sum(lengths)
    try:
        pieces = plan(corpus(*lengths), HoldOut("tail", ratio, gap))
    except ConfigError:
        assert total - max(round(total * ratio), 1) - gap <= 0
        return
    offsets = [sum(lengths[:n]) for n in range(len(lengths))]
    spans = [
        (offsets[p.document_index] + p.start, offsets[p.document_index] + p.stop) for p in pieces
    ]
    jumps = [after[0] - before[1] for before, after in pairwise(spans) if after[0] != before[1]]
    assert spans[0][0] == 0
    assert spans[-1][1] == total
    assert jumps == [gap] * (gap > 0)
    assert characters(pieces, "eval") == max(round(total * ratio), 1)
    splits = [piece.split for piece in pieces]
    assert splits == sorted(splits, reverse=True)  # train, then eval


@given(st.lists(st.integers(1, 500), min_size=10, max_size=60))
def test_whole_documents_are_about_a_tenth(lengths):
    pieces = plan(corpus(*lengths), HoldOut())
    assert [(p.document_index, p.start, p.stop) for p in pieces] == [
        (n, 0, length) for n, length in enumerate(lengths)
    ]
    held = characters(pieces, "eval")
    assert 0 < held < sum(lengths)
    assert abs(held - 0.1 * sum(lengths)) <= max(lengths)
