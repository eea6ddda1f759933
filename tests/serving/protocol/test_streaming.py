"""Texts in pieces, from a server that keeps no state."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import until

from modules.errors import ModelNotFound, WrongModel
from serving.client.blocking import LyricsClient

from ..both_clients import CLIENTS

both = pytest.mark.parametrize("connect", CLIENTS, ids=lambda client: client.__name__)

HOT = {"temperature": 1.5, "seed": 7}


@pytest.fixture(scope="module")
def client(lyrics_target):
    with LyricsClient(lyrics_target) as client:
        yield client


@both
def test_pieces_are_as_long_as_asked_for(connect, lyrics_target):
    with connect(lyrics_target) as client:
        pieces = list(client.stream("春天", chunk=4, num_chars=10, **HOT))
        assert [len(piece) for piece in pieces] == [4, 4, 2]
        assert ["春天" + "".join(pieces)] == client.generate(["春天"], num_chars=10, **HOT)
        assert len("".join(client.stream("春天", **HOT))) == 50
        assert list(client.stream("春天", num_chars=0)) == []


@given(
    prefix=st.text("春天来了a", min_size=1, max_size=80),
    chunk=st.integers(1, 20),
    num_chars=st.integers(0, 40),
    temperature=st.sampled_from([0.0, 0.7, 2.0]),
    top_k=st.sampled_from([0, 5]),
    top_p=st.sampled_from([1.0, 0.8]),
    repetition_penalty=st.sampled_from([1.0, 1.5]),
    seed=st.integers(-(2**63), 2**63 - 1),
    stop=st.sampled_from(["", "花", "天来", "雪\n"]),
)
@settings(max_examples=40, deadline=None)
def test_the_pieces_together_are_what_generate_writes(client, prefix, chunk, **options):
    pieces = list(client.stream(prefix, chunk=chunk, **options))
    assert [prefix + "".join(pieces)] == client.generate([prefix], **options)


def test_a_stop_may_lie_across_two_pieces(client):
    (text,) = client.generate(["春"], num_chars=20, **HOT)
    written = text[1:]
    for end in range(2, 12):
        stop = written[end - 2 : end]
        until = written[: written.index(stop) + 2]
        pieces = list(client.stream("春", chunk=1, num_chars=20, stop=stop, **HOT))
        assert "".join(pieces) == until
        assert len(pieces) == len(until)  # and nothing is asked after it


def test_who_insists_on_a_version_gets_no_other(lyrics_target):
    with LyricsClient(lyrics_target, version=2) as client, pytest.raises(ModelNotFound):
        list(client.stream("春"))


def test_a_model_of_before_cannot(server):
    with LyricsClient(server.target) as client, pytest.raises(WrongModel, match='"start" not fo'):
        list(client.stream("a"))


def test_a_swap_on_the_way_is_survived(client, lyrics_base_path, language_model):
    """The next version reads what there is; being the same model, it writes the same text."""
    (whole,) = client.generate(["春天"], num_chars=12, **HOT)
    pieces = client.stream("春天", chunk=3, num_chars=12, **HOT)
    text = "春天" + next(pieces)
    shutil.copytree(language_model, lyrics_base_path / "copying")
    (lyrics_base_path / "copying").rename(lyrics_base_path / "2")
    until(lambda: {(2, "AVAILABLE"), (1, "END")} <= set(stand(client)))
    assert text + "".join(pieces) == whole


def stand(client):
    return [(status.version, status.state) for status in client.status()]
