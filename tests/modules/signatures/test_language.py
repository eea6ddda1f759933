"""The SavedModel is loaded and asked as TensorFlow Serving does it: a graph and a session."""

import math
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from modules.evaluation.perplexity import Tally
from modules.signatures.language import ServableModel, mixture_weights
from modules.vocabulary.indices import Vocabulary

saved_model = tf.compat.v1.saved_model

UNIGRAM = np.log([1 / 16, 1 / 2, 1 / 16, 1 / 16, 1 / 16, 1 / 8, 1 / 16, 1 / 16])
PREFIXES = ["春", "a\nb c", "夏夏", "𠮷"]
TEXTS = ["a春\nb", "夏", "𠮷 c" * 20]


@contextmanager
def asking(path):
    """Yields a function that asks the model at `path`: signature and inputs to outputs."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with closing(session):
        definitions = saved_model.loader.load(session, ["serve"], path).signature_def

        def ask(signature, **inputs):
            definition = definitions[signature]
            assert set(inputs) <= set(definition.inputs) <= {*inputs, *definition.defaults}
            feed = {definition.inputs[name].name: value for name, value in inputs.items()}
            fetch = {name: output.name for name, output in definition.outputs.items()}
            return session.run(fetch, feed)

        yield ask


@pytest.fixture(scope="module")
def gru(build_model, vocabulary):
    return ServableModel(build_model("gru", num_layers=2), vocabulary, UNIGRAM)


@pytest.fixture(scope="module")
def path(gru, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "model")
    gru.save(path)
    return path


@pytest.fixture(scope="module")
def ask(path):
    with asking(path) as ask:
        yield ask


@pytest.fixture(scope="module")
def ask_accented(build_model, tmp_path_factory):
    """Of a vocabulary with an accent; asked as a server does it."""
    directory = tmp_path_factory.mktemp("accented")
    characters = "\n été, ciel bleu"
    lines = ["<unk>", *(str(ord(c)) for c in dict.fromkeys(characters))]
    (directory / "characters").write_text("\n".join(lines) + "\n")
    vocabulary = Vocabulary(str(directory / "characters"), "keep")
    model = build_model("gru", vocab_size=vocabulary.size)
    uniform = np.full(vocabulary.size, -math.log(vocabulary.size))
    ServableModel(model, vocabulary, uniform).save(str(directory / "model"))
    with asking(str(directory / "model")) as ask:
        yield ask


def test_a_text_is_the_same_however_it_is_spelled(ask_accented):
    text = "été\n bleu"
    spellings = [text, "e\u0301te\u0301\n bleu", "été\r\n bleu", "\ufeffété\u2028 bl\x1aeu"]
    scores = ask_accented("score", text=spellings)
    assert scores["characters"].tolist() == [9] * 4
    assert len({*scores["nats"].tolist()}) == 1
    written = ask_accented("generate", **generate_inputs(spellings, num_chars=5, temperature=0))
    assert {t.decode()[:9] for t in written["text"]} == {text}
    assert len({*written["text"].tolist()}) == 1
    states = ask_accented("start", prefix=spellings)
    assert len({*states["recent"].tolist()}) == 1
    ranked = ask_accented("next_char", prefix=spellings, top_k=[3])
    assert np.ptp(ranked["probabilities"], axis=0).max() == 0


def generate_inputs(prefix, num_chars=10, temperature=1.0, top_k=0, seed=0, **options):
    """Inputs of `generate`; the named ones have a value for each row or one for all."""

    def row(value, dtype):
        return np.broadcast_to(value, [len(prefix)]).astype(dtype)

    return {
        "prefix": np.array(prefix, object),
        "num_chars": row(num_chars, np.int32),
        "temperature": row(temperature, np.float32),
        "top_k": row(top_k, np.int32),
        "seed": row(seed, np.int64),
        **options,
    }


def generate(servable, *args, **kwargs) -> list[str]:
    inputs = {name: tf.constant(v) for name, v in generate_inputs(*args, **kwargs).items()}
    return [text.decode() for text in servable.generate(**inputs)["text"].numpy()]


@pytest.fixture(scope="module")
def windows(scored_window):
    examples = [scored_window("a春\nb", 1), scored_window("夏b夏", 0), scored_window("春秋", 0)]
    return np.array([example.SerializeToString() for example in examples], object)


def assert_same(answers, expected):
    assert set(answers) == set(expected)
    for name, value in expected.items():
        if value.dtype == tf.string:
            assert answers[name].tolist() == value.numpy().tolist()
        else:
            assert answers[name].dtype == value.dtype
            np.testing.assert_allclose(answers[name], value, rtol=1e-5)


def test_a_loaded_model_answers_the_same(build_model, write_vocabulary, windows, tmp_path):
    requests = {
        "generate": generate_inputs(PREFIXES, [3, 0, 20, 7], [1, 1, 0, 2], [0, 0, 0, 3], 7),
        "score": {"text": np.array(TEXTS, object)},
        "evaluate": {"examples": windows},
    }
    file = write_vocabulary("\n abc春𠮷")
    model = build_model("lstm", num_layers=2, dropout=0.5)
    servable = ServableModel(model, Vocabulary(file, "keep"), UNIGRAM)
    before = servable.score(tf.constant(TEXTS))["nats"].numpy()
    for weight in model.weights:  # training goes on after the first answers
        weight.assign(weight * 0.5)
    servable.save(str(tmp_path / "model"))
    Path(file).unlink()  # the export needs nothing beside it, nor its place
    (tmp_path / "model").rename(tmp_path / "moved")
    with asking(str(tmp_path / "moved")) as ask:
        for signature, inputs in requests.items():
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            assert_same(ask(signature, **inputs), getattr(servable, signature)(**tensors))
        after = ask("score", **requests["score"])["nats"]
    assert np.abs(after - before).min() > 1e-3


def test_every_text_has_its_own_length(ask):
    texts = ask("generate", **generate_inputs(PREFIXES, [3, 0, 20, 7]))["text"]
    texts = [text.decode() for text in texts]
    assert [len(text) for text in texts] == [1 + 3, 5, 2 + 20, 1 + 7]
    assert all(map(str.startswith, texts, PREFIXES))


def test_perplexity_is_of_a_character(ask):
    answers = ask("score", text=np.array(TEXTS, object))
    assert answers["characters"].tolist() == [4, 1, 60]
    expected = np.exp(answers["nats"] / [4, 1, 60])
    np.testing.assert_allclose(answers["perplexity"], expected, rtol=1e-5)


def test_requests_do_not_leak_into_one_another(ask):
    text = np.array(["a春\nb"], object)
    first = ask("score", text=text)["nats"]
    ask("generate", **generate_inputs(["abc"]))
    assert ask("score", text=text)["nats"] == first


def test_the_vocabulary_is_the_only_asset(path):
    (asset,) = (Path(path) / "assets").iterdir()
    entries = asset.read_text().split()
    assert entries == ["<unk>", *(str(ord(c)) for c in "\n abc春𠮷")]


def test_the_graph_holds_no_python(path):
    content = (Path(path) / "saved_model.pb").read_bytes()
    (graph,) = (meta.graph_def for meta in SavedModel.FromString(content).meta_graphs)
    ops = {node.op for node in chain(graph.node, *(f.node_def for f in graph.library.function))}
    assert "MatMul" in ops
    assert not {op for op in ops if "PyFunc" in op or "Numpy" in op}


# What the signatures answer.


def test_evaluate_by_hand(gru, windows):
    answers = {name: value.numpy() for name, value in gru.evaluate(tf.constant(windows)).items()}
    # Scored: 春 \n b, 夏 b 夏 and 春 秋.
    assert answers["characters"].tolist() == [3, 3, 2]
    unknown = [text.decode() for text in answers["unknown_characters"]]
    assert unknown == ["", "夏夏", "秋"]
    np.testing.assert_allclose(
        answers["unigram_nats"], np.log(2) * np.array([4 + 1 + 4, 4 + 4 + 4, 4 + 4]), rtol=1e-6
    )
    np.testing.assert_allclose(answers["uniform_nats"], np.log(8) * np.array([3, 3, 2]), rtol=1e-6)


def test_mixtures_by_hand(build_model, vocabulary, scored_window):
    """Beside the n-gram model in the first window, its cache in the second, and nothing."""
    servable = ServableModel(build_model(), vocabulary, UNIGRAM, cache_weight=0.25)
    log_2, log_8 = float(np.log(2)), float(np.log(8))
    examples = [
        scored_window("xab", 1, ngram_nats=[log_2, log_8], cache_nats=[log_8, log_8]),
        scored_window("b", ngram_nats=[log_2]),
        scored_window("a"),
    ]
    serialized = tf.constant([example.SerializeToString() for example in examples])
    unfitted = servable.evaluate(serialized)
    np.testing.assert_allclose(unfitted["ngram_nats"], [4 * log_2, log_2, np.nan], rtol=1e-6)
    cached = -np.log([(3 / 2 + 1 / 8) / 4, 1 / 8]).sum()
    np.testing.assert_allclose(unfitted["ngram_cache_nats"], [cached, np.nan, np.nan], rtol=1e-6)
    assert np.isnan(unfitted["mixture_nats"]).all()

    parts = np.exp(servable.log_probabilities(serialized).numpy())  # [4 characters, 3]
    np.testing.assert_allclose(-np.log(parts[2:, 0]), unfitted["nats"][1:], rtol=1e-6)
    np.testing.assert_allclose(parts[:2, 1:], [[1 / 2, 1 / 8], [1 / 8, 1 / 8]], rtol=1e-6)
    for weights in ([0.5, 0.3, 0.2], [0.5, 0.5, 0.0]):
        servable.mixture_weights.assign(weights)
        mixed = servable.evaluate(serialized)["mixture_nats"]
        expected = -np.log(parts[:2] @ weights).sum()
        np.testing.assert_allclose(mixed[0], expected, rtol=1e-5)
        # A cache that is switched off has no weight either.
        second = -np.log(parts[2, :2] @ weights[:2]) if weights[2] == 0 else np.nan
        np.testing.assert_allclose(mixed[1], second, rtol=1e-5)
        assert np.isnan(mixed[2])


def test_the_weights_of_a_mixture_are_saved(build_model, vocabulary, scored_window, tmp_path):
    servable = ServableModel(build_model(), vocabulary, UNIGRAM)
    path = str(tmp_path / "model")
    servable.save(path)
    assert mixture_weights(path) is None
    servable.mixture_weights.assign([0.5, 0.25, 0.25])
    servable.save(path)
    assert mixture_weights(path) == {"network": 0.5, "n-gram": 0.25, "cache": 0.25}
    example = scored_window("ab", ngram_nats=[1.0, 2.0], cache_nats=[3.0, 4.0])
    examples = np.array([example.SerializeToString()], object)
    with asking(path) as ask:
        assert_same(ask("evaluate", examples=examples), servable.evaluate(tf.constant(examples)))


def test_nats_that_are_not_those_of_the_window_fail(gru, scored_window):
    example = scored_window("ab", 1, ngram_nats=[1.0, 2.0]).SerializeToString()
    with pytest.raises(tf.errors.InvalidArgumentError):
        gru.evaluate(tf.constant([example]))


def test_evaluate_is_added_up_to_perplexities(gru, windows):
    result = Tally()
    outputs = gru.evaluate(tf.constant(windows))
    for row in range(len(windows)):
        result.add({name: values.numpy()[row] for name, values in outputs.items()})
    assert result.unknown == {"夏", "秋"}
    assert result.figures["uniform_perplexity"] == pytest.approx(8 * 2 ** (3 / 8))


def test_the_unigram_nats_are_single_precision(gru, windows):
    assert gru.evaluate(tf.constant(windows))["unigram_nats"].dtype == tf.float32


def test_a_text_is_scored_as_its_windows_are(gru, scored_window):
    example = scored_window("a春\n夏").SerializeToString()
    evaluated = gru.evaluate(tf.constant([example]))["nats"]
    np.testing.assert_allclose(gru.score(tf.constant(["a春\n夏"]))["nats"], evaluated, rtol=1e-6)


def test_a_sample_is_fifty_characters_after_its_prefix(gru):
    text = gru.sample("春\n")
    assert text.startswith("春\n")
    assert len(text) == 2 + 50


def test_generated_text_is_likelier_than_other_text(gru):
    (greedy,) = generate(gru, ["a"], 6, temperature=0.0)
    scores = gru.score(tf.constant([greedy, "a𠮷\n c𠮷 "]))["nats"].numpy()
    assert scores[0] < scores[1]


@pytest.mark.parametrize("prefix", [["a"], ["ab"], ["𠮷", "ab"]])
def test_no_characters_are_the_prefix(gru, prefix):
    assert generate(gru, prefix, 0) == prefix


@pytest.mark.parametrize("temperature", [1.0, 1e38, math.inf])
def test_unknown_is_never_written(gru, temperature):
    texts = generate(gru, ["夏"] * 10, 50, temperature, top_k=2**31 - 1, seed=range(10))
    assert set("".join(text[1:] for text in texts)) <= set("\n abc春𠮷")


# What they refuse. The messages are what a client is told.

BAD = {
    "no prefix": ({"prefix": []}, "prefix is empty: send one text or more"),
    "empty prefix": ({"prefix": [""]}, "prefix has a text without characters"),
    "one empty prefix": ({"prefix": ["a", "", "b"]}, "prefix has a text without characters"),
    "negative length": ({"num_chars": -1}, "num_chars is negative: send 0 or more"),
    "one negative length": (
        {"prefix": ["a", "b"], "num_chars": [1, -5]},
        "num_chars is negative: send 0 or more",
    ),
    "negative top k": ({"top_k": -1}, "top_k is negative: 0 draws from all"),
    "negative temperature": ({"temperature": -0.5}, "temperature is negative: 0 is greedy"),
    "NaN": ({"temperature": math.nan}, "temperature is negative: 0 is greedy"),
    "no UTF-8": ({"prefix": ["a", b"\xff\xfea"]}, "prefix is not UTF-8: encode it so"),
    "a surrogate": ({"prefix": [b"\xed\xa0\x80"]}, "prefix is not UTF-8: encode it so"),
    "no top p": ({"top_p": np.float32([0])}, "top_p is no probability: send more than 0, at mo"),
    "top p over 1": ({"top_p": np.float32([1.01])}, "top_p is no probability"),
    "top p NaN": ({"top_p": np.float32([math.nan])}, "top_p is no probability"),
    "no penalty": ({"repetition_penalty": np.float32([0])}, "repetition_penalty is not positive"),
    "infinite": ({"repetition_penalty": np.float32([math.inf])}, "repetition_penalty is not"),
    "stop too long": ({"stop": np.array(["a" * 65], object)}, "stop is too long: send 64 charact"),
    "too many rows": ({"prefix": ["a"] * 1001}, "too many texts to write: send 1000 rows at most"),
    "too many characters": (
        {"prefix": ["a"] * 1000, "num_chars": 100},
        "the request is too large: its rows times its longest prefix and what is to be written ma",
    ),
    "stop no UTF-8": ({"stop": np.array([b"\xff"], object)}, "stop is not UTF-8: encode it so"),
}


@pytest.mark.parametrize(("inputs", "message"), BAD.values(), ids=BAD)
def test_generate_refuses_with_a_sentence(ask, inputs, message):
    for _ in range(20):  # other operations would fail too: none of them may be the first
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            ask("generate", **generate_inputs(**{"prefix": ["a"], **inputs}))


def test_a_request_may_be_too_long(gru):
    for num_chars in (200_000, 2**31 - 1):  # in this order: the last would end the process
        with pytest.raises(tf.errors.InvalidArgumentError, match="num_chars"):
            generate(gru, ["a"], num_chars)


@pytest.mark.parametrize("name", ["num_chars", "temperature", "top_k", "seed"])
@pytest.mark.parametrize("rows", [0, 3])
def test_generate_wants_a_value_for_every_row(gru, name, rows):
    inputs = generate_inputs(["a", "b"])
    inputs[name] = np.repeat(inputs[name][:1], rows)
    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        gru.generate(**{key: tf.constant(value) for key, value in inputs.items()})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "text is empty: send one text or more"),
        ([""], "text has a text without characters: send one or more"),
        (["a", ""], "text has a text without characters: send one or more"),
    ],
)
def test_score_refuses_with_a_sentence(ask, texts, message):
    for _ in range(20):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            ask("score", text=np.array(texts, object))


def test_a_refusal_leaves_the_model_as_it_was(ask):
    before = ask("generate", **generate_inputs(PREFIXES))["text"].tolist()
    with pytest.raises(tf.errors.InvalidArgumentError):
        ask("generate", **generate_inputs([""]))
    assert ask("generate", **generate_inputs(PREFIXES))["text"].tolist() == before
