"""Characters that the model does not know, as both clients and the commands tell of them."""

import os
import subprocess
import sys

import pytest

from ..both_clients import CLIENTS

both = pytest.mark.parametrize("connect", CLIENTS, ids=lambda client: client.__name__)

TEXTS = ["龘春犇龘", "春天"]
NOTE = "Note: the model does not know 龘, 犇: it read them as unknown characters"


@both
def test_answers_carry_them_each_once(connect, lyrics_target):
    with connect(lyrics_target) as client:
        scored = client.generate_scored(TEXTS, num_chars=1)
        compiled = client.generate_scored(TEXTS, xla=True, num_chars=1)
        beams = [found[0] for found in client.generate_beam(TEXTS, num_chars=1)]
        for answers in (scored, compiled, beams, client.score(TEXTS)):
            assert [answer.unknown for answer in answers] == ["龘犇", ""]


@both
@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.generate(TEXTS),
        lambda client: client.next_char(TEXTS),
        lambda client: list(client.stream(TEXTS[0])),
        lambda client: client.resume(client.start(TEXTS), num_chars=1),
    ],
    ids=["generate", "next_char", "stream", "start"],
)
def test_a_client_logs_them_once(connect, lyrics_target, caplog, ask):
    with connect(lyrics_target) as client:
        ask(client)
        ask(client)
        assert caplog.messages == [NOTE]
        client.score(["\u200b龘"])
    assert caplog.messages[1:] == [
        r"Note: the model does not know '\u200b': it read them as unknown characters"
    ]


@both
def test_a_model_of_before_it_told_them_answers(connect, server, caplog):
    with connect(server.target) as client:
        assert client.score(["龘"])[0].unknown == ""
        assert client.generate(["龘"], num_chars=1) == ["龘龘"]
    assert caplog.messages == []


def test_a_command_notes_them_on_standard_error(lyrics_target):
    ended = subprocess.run(
        [
            *(sys.executable, "-c", "from pipeline.cli import main; main()"),
            *("generate", TEXTS[0], "--num-chars", "4", "--target", lyrics_target),
        ],
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
    )
    assert ended.stderr.decode() == f"{NOTE}\n"
    assert ended.stdout.decode().startswith(TEXTS[0])
