"""A real fill-in model on a real socket, loaded by the TF1 loader."""

import numpy as np
import pytest
import tensorflow as tf

from modules.errors import ServingError
from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel
from modules.signatures.filling import ServableFillModel
from modules.vocabulary.indices import Vocabulary
from serving.client.blocking import LyricsClient
from serving.protocol.answers import Candidate, Filled
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

TEXTS = ["想□有\n直□机", "□", "夏□升"]


@pytest.fixture(scope="module")
def servable(tmp_path_factory) -> ServableFillModel:
    file = tmp_path_factory.mktemp("vocabulary") / "characters"
    file.write_text("\n".join(["<unk>", *(str(ord(c)) for c in "\n 想要有直升机")]) + "\n")
    vocabulary = Vocabulary(str(file), "keep")
    model = FillModel(
        vocabulary.size, Hyperparameters(task="fill", num_hiddens=8, embedding_size=4)
    )
    for number, weight in enumerate(model.weights):
        weight.assign(tf.random.stateless_normal(weight.shape, [1, number]))
    return ServableFillModel(model, vocabulary, np.full(vocabulary.size, -2.0))


@pytest.fixture(scope="module")
def target(servable, tmp_path_factory):
    base = tmp_path_factory.mktemp("served")
    servable.save(str(base / "1"))
    with (
        ModelServer(ServerOptions(str(base), port=0)) as server,
        LyricsClient(server.target) as client,
    ):
        client.wait_until_ready()
        yield server.target


@pytest.fixture
def client(target):
    with LyricsClient(target) as client:
        yield client


def test_a_blank_is_no_unknown_character(client):
    assert [filled.unknown for filled in client.fill(["想□龘", "□"])] == ["龘", ""]


def test_fill_answers_as_the_model_does(client, servable):
    expected = servable.fill(text=tf.constant(TEXTS), top_k=tf.constant([3, 3, 3]))
    answers = client.fill(TEXTS, top_k=3)
    assert [answer.text for answer in answers] == [
        text.decode() for text in expected["text"].numpy()
    ]
    assert [len(answer.blanks) for answer in answers] == [2, 1, 1]
    for row, answer in enumerate(answers):
        for blank, candidates in enumerate(answer.blanks):
            characters, probabilities = (
                expected[name][row, blank].numpy() for name in ("candidates", "probabilities")
            )
            assert candidates == [
                Candidate(character.decode(), pytest.approx(p, rel=1e-5))
                for character, p in zip(characters, probabilities, strict=True)
            ]


def test_the_likeliest_are_in_the_text(client):
    ((one,), (other,)) = (client.fill(["□想□"], top_k) for top_k in (1, 100))
    assert one == Filled(
        one.blanks[0][0].character + "想" + one.blanks[1][0].character,
        [blank[:1] for blank in other.blanks],
    )
    assert {c.character for c in other.blanks[0]} == set("\n 想要有直升机")
    assert sum(c.probability for c in other.blanks[0]) == pytest.approx(1)


def test_score(client, servable):
    (score,) = client.score(["想要\n有"])
    expected = servable.score(tf.constant(["想要\n有"]))
    assert score.nats == pytest.approx(float(expected["nats"][0]), rel=1e-5)
    assert score.characters == 4


def test_nothing_asked_nothing_answered(client):
    assert client.fill([]) == []


def test_a_refusal_is_a_sentence(client):
    with pytest.raises(ServingError, match=r"refused the request: .*text has nothing to fill in"):
        client.fill(["想要有直升机"])


def test_it_cannot_generate_and_says_what_can(client):
    with pytest.raises(ServingError, match=r'cannot do this \(.*"generate" not found\)') as error:
        client.generate(["想"])
    assert "trained with --task fill to `fill`, with --task language to `generate`" in str(
        error.value
    )
