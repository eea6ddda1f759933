"""A real language model behind a batching server: each caller gets the text it would get alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from modules.errors import InvalidRequest
from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

CLIENTS = 32


@pytest.fixture(scope="module")
def alone(lyrics_target):
    with LyricsClient(lyrics_target) as client:
        yield client


@pytest.fixture(scope="module")
def batching(lyrics_base_path, tmp_path_factory):
    parameters = tmp_path_factory.mktemp("batching") / "batching.config"
    parameters.write_text("max_batch_size { value: 64 } batch_timeout_micros { value: 20000 }")
    options = ServerOptions(
        str(lyrics_base_path),
        port=0,
        enable_model_warmup=False,  # which takes seconds: not all signatures are asked here
        enable_batching=True,
        batching_parameters_file=str(parameters),
    )
    with ModelServer(options) as server:
        yield server


def write(client: LyricsClient, number: int) -> list[str]:
    """No two callers ask the same."""
    prefixes = ["春天", "来了花", "秋\n", "水 多"][: 1 + number % 4]
    return client.generate(
        prefixes, num_chars=number % 40, temperature=0.5 + number % 3, top_k=number % 5, seed=number
    )


def test_the_same_text_as_alone_for_many_clients_at_once(alone, batching):
    def ask(client_number: int) -> list[list[str]]:
        with LyricsClient(batching.target) as client:
            return [write(client, number) for number in range(client_number, 192, CLIENTS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, range(CLIENTS)))
    for client_number, texts in enumerate(answers):
        numbers = range(client_number, 192, CLIENTS)
        assert texts == [write(alone, number) for number in numbers]


def test_a_bad_request_does_not_meet_its_neighbours(alone, batching):
    def ask(number: int) -> list[str] | str:
        with LyricsClient(batching.target) as client:
            try:
                return client.generate(
                    ["春天"], num_chars=-1 if number % 4 == 0 else 5, seed=number
                )
            except InvalidRequest as error:
                return str(error)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, range(CLIENTS)))
    for number, answer in enumerate(answers):
        if number % 4 == 0:
            assert "num_chars is negative" in answer
        else:
            assert answer == alone.generate(["春天"], num_chars=5, seed=number)


def test_chunks_of_a_stream_run_together(alone, batching):
    def ask(seed: int) -> str:
        with LyricsClient(batching.target) as client:
            return "".join(client.stream("春天", num_chars=30, temperature=1.0, seed=seed))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert ["春天" + answer for answer in answers] == [
        alone.generate(["春天"], num_chars=30, temperature=1.0, seed=seed)[0] for seed in range(8)
    ]
