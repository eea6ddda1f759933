"""What a served language model writes, asked as TensorFlow Serving does it: in a TF1 Session."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from modules.signatures.language import ServableModel
from modules.vocabulary.indices import Vocabulary
from serving.server.runtime.loaded_model import LoadedModel

UNIGRAM = np.log(np.full(8, 1 / 8))
STATES = {"gru": ["h"], "lstm": ["c", "h"]}


@pytest.fixture(scope="module", params=STATES)
def cell(request):
    return request.param


@pytest.fixture(scope="module")
def path(cell, build_model, vocabulary, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp(cell) / "1"
    ServableModel(build_model(cell, num_layers=2, seed=5), vocabulary, UNIGRAM).save(str(path))
    return path


@pytest.fixture(scope="module")
def servable(path):
    servable = LoadedModel(1, path)
    yield servable
    servable.close()


@pytest.fixture(scope="module")
def ask(servable):
    """Asks a signature: NumPy arrays and texts in, NumPy arrays out."""

    def ask(signature, **inputs) -> dict[str, np.ndarray]:
        protos = {name: tf.make_tensor_proto(value) for name, value in inputs.items()}
        outputs = servable.predict(signature, protos)
        return {name: tf.make_ndarray(proto) for name, proto in outputs.items()}

    return ask


def texts_of(answer, name="text") -> list[str]:
    return [text.decode() for text in answer[name].ravel()]


def test_every_signature_for_clients_is_warmed_up(path, servable):
    records = tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests"))
    logs = [PredictionLog.FromString(record.numpy()) for record in records]
    assert all(log.WhichOneof("log_type") == "predict_log" for log in logs)
    requests = [log.predict_log.request for log in logs]
    names = {request.model_spec.signature_name for request in requests}
    assert names == set(ServableModel.signatures) - {"evaluate"}
    for request in requests:
        assert servable.predict(request.model_spec.signature_name, request.inputs)
        # Whole: older servers do not know the defaults.
        signature = servable.signatures[request.model_spec.signature_name]
        assert set(request.inputs) == set(signature.inputs)


def test_what_is_left_out_is_the_default(ask):
    rows = ["春", "a\nb"]
    every = {
        "num_chars": np.int32([50]),
        "temperature": np.float32([0]),
        "top_k": np.int32([0]),
        "top_p": np.float32([1]),
        "repetition_penalty": np.float32([1]),
        "seed": np.int64([0]),
        "stop": [""],
    }
    answer = ask("generate", prefix=rows)
    assert [len(text) for text in texts_of(answer)] == [51, 53]
    for size in (1, 2):  # one value is for all rows
        sent = {name: np.repeat(value, size) for name, value in every.items()}
        explicit = ask("generate", prefix=rows, **sent)
        assert texts_of(explicit) == texts_of(answer)
        np.testing.assert_array_equal(explicit["log_probability"], answer["log_probability"])


def test_a_client_that_knows_nothing_gets_a_lyric(ask):
    (text,) = texts_of(ask("serving_default", prefix=["春"]))
    options = {"temperature": np.float32([0.8]), "top_k": np.int32([20])}
    assert [text] == texts_of(ask("generate", prefix=["春"], **options))
    assert len(text) == 51
    assert [text] != texts_of(ask("generate", prefix=["春"]))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_log_probability_is_that_of_the_score(ask, temperature):
    # A text is scored as what follows a line end.
    prefix = ["\na", "\n夏春b"]
    options = {"temperature": np.float32([temperature]), "num_chars": np.int32([7, 12])}
    penalty = np.float32([1.5])  # what it is drawn from does not count
    answer = ask("generate", prefix=prefix, repetition_penalty=penalty, **options)
    read, whole = (
        ask("score", text=[text[1:] for text in texts]) for texts in (prefix, texts_of(answer))
    )
    expected = read["nats"] - whole["nats"]
    np.testing.assert_allclose(answer["log_probability"], expected, rtol=1e-4)


def test_characters_have_log_probabilities_and_ranks(ask):
    texts = ["a春夏b", "c"]
    scores = ask("score", text=texts)
    assert scores["log_probabilities"].shape == scores["ranks"].shape == (2, 4)
    assert scores["log_probabilities"][1, 1:].tolist() == [0, 0, 0]
    assert scores["ranks"][1, 1:].tolist() == [0, 0, 0]
    np.testing.assert_allclose(-scores["log_probabilities"].sum(axis=1), scores["nats"], rtol=1e-5)
    # The first character of the second text, after a line end.
    ranked = ask("next_char", prefix=["\n"], top_k=np.int32([7]))
    above = list(ranked["candidates"][0]).index(b"c")
    assert scores["ranks"][1, 0] - 1 - above in (0, 1)  # <unk> may be likelier too
    named = np.exp(scores["log_probabilities"][1, 0]) / ranked["probabilities"][0, above]
    assert 0 < named < 1  # what <unk> has is shared by the others


def test_next_characters(ask):
    answer = ask("next_char", prefix=["春a", "b", "夏"], top_k=np.int32([2, 100, 1]))
    assert answer["candidates"].shape == (3, 7)  # there are no more
    assert set(answer["candidates"][1]) == {c.encode() for c in "\n abc春𠮷"}
    np.testing.assert_allclose(answer["probabilities"][1].sum(), 1, rtol=1e-5)
    assert (np.diff(answer["probabilities"][1]) <= 0).all()
    assert answer["candidates"][0, 2:].tolist() == [b""] * 5
    assert answer["probabilities"][0, 2:].tolist() == [0] * 5
    greedy = texts_of(ask("generate", prefix=["春a", "b", "夏"], num_chars=np.int32([1])))
    assert [text[-1].encode() for text in greedy] == answer["candidates"][:, 0].tolist()
    assert ask("next_char", prefix=["春a"])["candidates"].shape == (1, 7)


OPTIONS = {
    "plain": {},
    "drawn": {"temperature": np.float32([1, 0.7]), "seed": np.int64([3, -4])},
    "all": {
        "temperature": np.float32([1.2, 0]),
        "top_k": np.int32([0, 3]),
        "top_p": np.float32([0.9, 1]),
        "repetition_penalty": np.float32([1.4, 1.1]),
        "seed": np.int64([3, 4]),
        "stop": ["b\nc", ""],
    },
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_text_in_parts_is_the_whole(ask, cell, options):
    prefix = ["春a" * 50, "𠮷"]
    whole = ask("generate", prefix=prefix, num_chars=np.int32([100]), **options)
    state, texts, nats = ask("start", prefix=prefix), prefix, 0.0
    for num_chars in (1, 0, 9, 64, 26):
        part = ask("resume", num_chars=np.int32([num_chars]), **state, **options)
        texts = [text + more for text, more in zip(texts, texts_of(part), strict=True)]
        nats += part["log_probability"]
        assert texts_of(part, "recent") == [text[-64:] for text in texts]
        state = {name: part[name] for name in ("recent", "position", *STATES[cell])}
    assert texts == texts_of(whole)
    np.testing.assert_allclose(nats, whole["log_probability"], rtol=1e-4)
    assert state["position"].tolist() == [len(texts[0]) - 100, len(texts[1]) - 1]


def test_the_state_is_plain_tensors(ask, cell):
    state = ask("start", prefix=["春a", "夏"])
    assert set(state) == {"recent", "position", "unknown_characters", *STATES[cell]}
    assert texts_of(state, "unknown_characters") == ["", "夏"]
    resumed = ask("resume", num_chars=np.int32([1]), **state)
    assert texts_of(resumed, "unknown_characters") == ["", "夏"]
    for name in STATES[cell]:
        assert state[name].shape == (2, 2, 8)  # rows, layers, hidden units
        assert state[name][0].any()
        assert not state[name][1].any()  # nothing has been read yet
    assert state["recent"].tolist() == ["春a".encode(), "夏".encode()]
    assert state["position"].tolist() == [0, 0]


def test_a_stop_ends_its_row_only(ask):
    options = {"temperature": np.float32([1]), "seed": np.int64([8])}
    prefix = ["春", "a"]
    whole = texts_of(ask("generate", prefix=prefix, **options))
    stop = whole[0][7:9]
    end = whole[0].index(stop, 1) + 2
    state = ask("start", prefix=prefix)
    part = ask("resume", stop=[stop, "夏"], **state, **options)
    assert texts_of(part) == [whole[0][1:end], whole[1][1:]]
    assert part["finished"].tolist() == [True, False]
    assert part["position"].tolist() == [end - 1, 50]


def test_newlines_are_stopped_at_as_they_are_read(build_model, write_vocabulary):
    """Where they are read as spaces, a stop that is a newline is a space too."""
    vocabulary = Vocabulary(write_vocabulary(" abc春𠮷d"), "space")
    servable = ServableModel(build_model(seed=5), vocabulary, UNIGRAM)
    options = {"temperature": tf.constant([2.0]), "num_chars": tf.constant([200])}
    texts = [
        servable.generate(tf.constant(["a"]), stop=tf.constant([stop]), **options)["text"].numpy()[
            0
        ]
        for stop in ("", " ", "\n")
    ]
    assert texts[1] == texts[2] == texts[0][: texts[0].index(b" ") + 1]


def test_the_likeliest_texts(ask):
    answer = ask(
        "generate_beam",
        prefix=["\na", "\n夏春b", "\n"],
        num_chars=np.int32([7, 5, 0]),
        width=np.int32([3, 1, 5]),
    )
    texts, scores = answer["texts"], answer["log_probabilities"]
    assert texts.shape == scores.shape == (3, 5)
    assert [[len(text.decode()) for text in row] for row in texts] == [
        [2 + 7] * 3 + [0] * 2,
        [4 + 5] + [0] * 4,
        [1] + [0] * 4,
    ]
    assert (scores[texts == b""] == -np.inf).all()
    (greedy,) = texts_of(ask("generate", prefix=["\n夏春b"], num_chars=np.int32([5])))
    assert texts[1, 0].decode() == greedy
    whole = ask("score", text=[text.decode()[1:] for text in texts[0, :3]])["nats"]
    expected = ask("score", text=["a"])["nats"] - whole
    np.testing.assert_allclose(scores[0, :3], expected, rtol=1e-4)
    assert ask("generate_beam", prefix=["a"])["texts"].shape == (1, 4)


@pytest.mark.parametrize(
    ("width", "message"),
    [(0, "width is too small: ask for 1"), (17, "width is too large: ask for 16")],
)
def test_beams_have_a_width(ask, width, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask("generate_beam", prefix=["a"], width=np.int32([width]))


BAD_STATES = {
    "no rows": ({"recent": []}, "recent is empty: send one text or more"),
    "nothing read": ({"recent": [""]}, "recent has a text without characters"),
    "too much": ({"recent": ["a" * 65]}, "recent is too long: send the last 64 characters at most"),
    "no UTF-8": ({"recent": [b"\xff"]}, "recent is not UTF-8: encode it so"),
    "before the start": ({"position": np.int64([-1])}, "position is negative: send what start"),
    "no state": ({"h": np.full([1, 2, 8], 1.5, np.float32)}, "h is no state: send what start"),
    "NaN": ({"h": np.full([1, 2, 8], np.nan, np.float32)}, "h is no state: send what start"),
    "another batch": ({"h": np.zeros([2, 2, 8], np.float32)}, "h needs one value for each recent"),
    "another place": ({"position": np.int64([1, 2])}, "position needs one value for each recent"),
    "too many": ({"num_chars": np.int32([10_001])}, "num_chars is too large: send 10000 at most"),
}


@pytest.mark.parametrize(("inputs", "message"), BAD_STATES.values(), ids=BAD_STATES)
def test_resume_refuses_with_a_sentence(ask, inputs, message):
    inputs = {name: np.array(v, object) if name == "recent" else v for name, v in inputs.items()}
    state = ask("start", prefix=["a"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask("resume", **{**state, **inputs})


@pytest.mark.parametrize(
    "signature", ["serving_default", "start", "next_char", "generate", "generate_beam"]
)
@pytest.mark.parametrize("prefix", [[], [""], [b"\xff"]])
def test_a_bad_prefix_is_refused_everywhere(ask, signature, prefix):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"assertion failed: \[prefix (is|has)"
    ):
        ask(signature, prefix=np.array(prefix, object))
