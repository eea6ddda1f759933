"""The client against a real server on a real socket."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from modules.errors import ServingError
from serving.client.blocking import LyricsClient
from serving.protocol.answers import Score
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer


@pytest.mark.parametrize(
    ("prefix", "text"), [("分开", "分开开开开"), ("不", "不不不不"), ("ab\n", "ab\n\n\n\n")]
)
def test_generate_appends_to_a_prefix(client, prefix, text):
    assert client.generate([prefix], num_chars=3) == [text]


def test_generate_of_no_characters_is_the_prefix(client):
    assert client.generate(["ab"], num_chars=0, temperature=0.8, top_k=5, seed=2**40) == ["ab"]


def test_score_counts_characters_not_bytes(client):
    one, four = client.score(["分", "abcd"])
    assert one == Score(
        nats=pytest.approx(math.log(10)), characters=1, perplexity=pytest.approx(10)
    )
    assert four == Score(
        nats=pytest.approx(4 * math.log(10)), characters=4, perplexity=pytest.approx(10)
    )


def test_nothing_asked_nothing_answered(nowhere):
    with LyricsClient(nowhere) as client:
        assert client.generate([]) == []
        assert client.score([]) == []


def test_many_at_a_time(client):
    prefixes = [chr(ord("a") + i % 26) * (1 + i % 7) for i in range(64)]
    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda prefix: client.generate([prefix], num_chars=1), prefixes))
    assert texts == [[prefix + prefix[-1]] for prefix in prefixes]


def test_messages_of_more_than_four_megabytes_pass(client):
    assert client.generate(["a" * 5_000_000], num_chars=1) == ["a" * 5_000_001]


def test_the_version_can_be_chosen(server):
    with LyricsClient(server.target, version=1) as client:
        assert client.wait_until_ready(5) == 1
        assert client.generate(["a"], num_chars=1) == ["aa"]
    with (
        LyricsClient(server.target, version=2) as client,
        pytest.raises(ServingError, match=r"not serve model 'lyrics', version 2 \(.*give the name"),
    ):
        client.generate(["a"])


def test_no_server(nowhere):
    with LyricsClient(nowhere) as client, pytest.raises(ServingError) as error:
        client.generate(["a"])
    assert str(error.value) == (
        f"no server answers at {nowhere}: start one with `lyrics serve`, "
        "or give another's host:port"
    )


def test_refused_request_carries_the_servers_sentence(client, server):
    with pytest.raises(ServingError) as error:
        client.generate([""])
    assert str(error.value) == (
        f"the server at {server.target} refused the request: "
        "prefix is empty: give one character or more"
    )


def test_unknown_model(server):
    with (
        LyricsClient(server.target, model_name="poems") as client,
        pytest.raises(ServingError, match=r"'poems' \(Servable not found for .*Latest\(poems\)\)"),
    ):
        client.score(["a"])


def test_deadline(server):
    with (
        LyricsClient(server.target, timeout=1e-6) as client,
        pytest.raises(ServingError, match=r"did not answer within 1e-06 s: ask for less"),
    ):
        client.score(["a"])


def test_waits_for_a_server_that_is_yet_to_start(base_path, push, nowhere):
    push(version=1, vocab_size=10)
    port = int(nowhere.rpartition(":")[2])
    with LyricsClient(nowhere) as client, ThreadPoolExecutor(1) as pool:
        with pytest.raises(ServingError, match=r"not ready after 0\.2 s: no server answers at"):
            client.wait_until_ready(0.2)
        version = pool.submit(client.wait_until_ready, 20)
        with ModelServer(ServerOptions(str(base_path), port=port)):
            assert version.result() == 1


def test_not_ready_says_why(base_path):
    (base_path / "3").mkdir()
    with (
        ModelServer(ServerOptions(str(base_path), port=0)) as server,
        LyricsClient(server.target) as client,
        pytest.raises(ServingError, match=r"version 3 is LOADING \(Could not find SavedModel"),
    ):
        client.wait_until_ready(0.2)
