"""What both clients make of a real language model's answers: what the model itself answers."""

import math

import pytest

from modules import contract, errors
from serving.protocol import calls

from ..both_clients import CLIENTS

PREFIXES = ["春天", "雪", "a\n开"]
HOT = {"num_chars": 12, "temperature": 1.5, "seed": 7}


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.__name__)
def client(request, lyrics_target):
    with request.param(lyrics_target) as client:
        yield client


def test_generate(client):
    options = HOT | {"top_k": 9, "top_p": 0.9, "repetition_penalty": 1.3, "stop": "花儿"}
    texts = client.generate(PREFIXES, **options)
    for prefix, text in zip(PREFIXES, texts, strict=True):
        assert text.startswith(prefix)
        assert len(text) == len(prefix) + 12 or text.endswith("花儿")
    scored = client.generate_scored(PREFIXES, **options)
    assert [generated.text for generated in scored] == texts
    assert all(-100 < generated.log_probability < 0 for generated in scored)
    for name, other in {"temperature": 0, "top_k": 2, "top_p": 0.1, "seed": 8}.items():
        assert client.generate(PREFIXES, **options | {name: other}) != texts


def test_compiled_texts_are_the_same(client):
    options = HOT | {"top_k": 9}
    scored = client.generate_scored(PREFIXES, **options)
    texts = [generated.text for generated in scored]
    assert client.generate(PREFIXES, xla=True, **options) == texts
    compiled = client.generate_scored(PREFIXES, xla=True, **options)
    assert [generated.text for generated in compiled] == texts
    for one, other in zip(compiled, scored, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4)


def test_every_row_has_every_option():
    """TF Serving's batching refuses inputs of other than so many rows, its own defaults too."""
    inputs = calls.generate(PREFIXES, seed=7).inputs
    assert inputs.keys() == {contract.PREFIX, *contract.OPTIONS}
    assert {tuple(dim.size for dim in i.tensor_shape.dim) for i in inputs.values()} == {(3,)}


def test_a_stop_ends_what_is_written(client):
    (text,) = client.generate(["春"], **HOT)
    stop = text[4:6]
    assert client.generate(["春"], **HOT, stop=stop) == [text[: text.index(stop, 1) + 2]]


def test_score(client):
    for text, score in zip(PREFIXES, client.score(PREFIXES), strict=True):
        assert score.characters == len(text)
        assert score.perplexity == pytest.approx(math.exp(score.nats / len(text)), rel=1e-5)
        assert "".join(scored.character for scored in score.scored) == text
        assert sum(s.log_probability for s in score.scored) == pytest.approx(-score.nats, rel=1e-5)
        assert all(1 <= scored.rank <= 20 for scored in score.scored)
    (likely,) = client.generate(["\n"], num_chars=3)  # what stands after a line end
    (score,) = client.score([likely[1:]])
    assert [scored.rank for scored in score.scored] == [1, 1, 1]


def test_next_char_ranks_what_generate_writes(client):
    for prefix, candidates in zip(PREFIXES, client.next_char(PREFIXES, top_k=4), strict=True):
        assert len(candidates) == 4
        assert client.generate([prefix], num_chars=1) == [prefix + candidates[0].character]
        probabilities = [candidate.probability for candidate in candidates]
        assert probabilities == sorted(probabilities, reverse=True)
    assert len(client.next_char(["春"])[0]) == 10
    (all_,) = client.next_char(["春"], top_k=100)
    assert sum(candidate.probability for candidate in all_) == pytest.approx(1)


def test_a_beam_finds_the_likeliest_first_and_none_less_likely_than_greedy(client):
    beams = client.generate_beam(PREFIXES, num_chars=4, width=3)
    greedy = client.generate_scored(PREFIXES, num_chars=4)
    for prefix, found, one in zip(PREFIXES, beams, greedy, strict=True):
        assert len({generated.text for generated in found}) == 3
        assert all(len(g.text) == len(prefix) + 4 and g.text.startswith(prefix) for g in found)
        nats = [generated.log_probability for generated in found]
        assert nats == sorted(nats, reverse=True)
        assert nats[0] >= one.log_probability - 1e-4
    ((alone,),) = client.generate_beam(["春"], num_chars=4, width=1)
    assert [alone.text] == client.generate(["春"], num_chars=4)
    assert client.generate_beam([]) == []


def test_the_state_goes_there_and_back(client):
    state = client.start(PREFIXES)
    assert state.version == client.wait_until_ready()
    assert set(state.tensors) == {"h", "c", "recent", "position", "unknown_characters"}
    texts, nats = list(PREFIXES), [0.0] * 3
    for num_chars in (1, 0, 8, 3):
        resumed = client.resume(state, **HOT | {"num_chars": num_chars})
        state = resumed.state
        texts = [text + new for text, new in zip(texts, resumed.texts, strict=True)]
        nats = [a + b for a, b in zip(nats, resumed.log_probabilities, strict=True)]
        assert resumed.finished == [False] * 3
    whole = client.generate_scored(PREFIXES, **HOT)
    assert texts == [generated.text for generated in whole]
    assert nats == pytest.approx([g.log_probability for g in whole], rel=1e-4)


def test_metadata_names_every_signature(client):
    signatures = client.metadata().signatures
    assert {"generate", "generate_beam", "serving_default", "start", "resume"} <= {*signatures}
    assert signatures["start"].outputs["h"] == "float"


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda client: client.generate([""]), "prefix has a text without characters"),
        (lambda client: client.generate(["春"], num_chars=-1), "num_chars is negative"),
        (lambda client: client.generate(["春"], temperature=-1), "temperature is negative"),
        (lambda client: client.generate(["春"], top_p=1.5), "top_p is no probability"),
        (lambda client: client.generate(["春"], stop="天" * 65), "stop is too long"),
        (lambda client: client.next_char(["春"], top_k=0), "top_k is too small"),
        (lambda client: client.score(["春" * 10_001]), "text is too long"),
        (lambda client: client.generate_beam(["春"], width=17), "width is too large"),
        (lambda client: client.start([""]), "prefix has a text without characters"),
    ],
)
def test_a_refusal_is_the_models_own_sentence(client, ask, sentence):
    with pytest.raises(errors.InvalidRequest, match=rf"refused the request: {sentence}"):
        ask(client)


def test_nothing_asked_nothing_answered(client):
    assert client.generate_scored([]) == []
    assert client.next_char([]) == []
    assert client.score([]) == []


def test_a_language_model_fills_nothing_in(client):
    with pytest.raises(errors.WrongModel, match='"fill" not found'):
        client.fill(["春□"])
