import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.saved_models import signatures
from modules.evaluation.perplexity import Tally
from modules.signatures.filling import ServableFillModel
from modules.vocabulary.indices import Vocabulary

UNIGRAM = np.log(np.full(8, 1 / 8))
# Of <unk>, \n, space, a, b, c, 春 and 𠮷, as their logits.
WEIGHTS = [64, 2, 1, 16, 4, 8, 32, 0.5]


@pytest.fixture(scope="module")
def servable(build_model, vocabulary) -> ServableFillModel:
    return ServableFillModel(build_model("lstm", task="fill", num_layers=2), vocabulary, UNIGRAM)


@pytest.fixture
def blind(build_model):
    """Makes the servable of a model that finds characters as likely as WEIGHTS say, anywhere."""

    def make(vocabulary) -> ServableFillModel:
        model = build_model(task="fill")
        for weight in model.weights:
            weight.assign(tf.zeros_like(weight))
        model.weights[-1].assign(np.log(WEIGHTS))
        return ServableFillModel(model, vocabulary, UNIGRAM)

    return make


def fill(servable, texts, top_k=3) -> tuple[list, np.ndarray, list[str]]:
    top_k = np.broadcast_to(top_k, [len(texts)]).astype(np.int32)
    answer = servable.fill(text=tf.constant(texts, tf.string), top_k=tf.constant(top_k))
    candidates, probabilities, filled = (
        answer[name].numpy() for name in ("candidates", "probabilities", "text")
    )
    decoded = np.vectorize(bytes.decode, otypes=[object])(candidates).tolist()
    return decoded, probabilities, [text.decode() for text in filled]


def test_by_hand(blind, vocabulary):
    candidates, probabilities, filled = fill(blind(vocabulary), ["a□b□", "□𠮷", "\n夏□"], [2, 3, 1])
    none = ["", "", ""]
    assert candidates == [
        [["春", "a", ""], ["春", "a", ""]],
        [["春", "a", "c"], none],
        [["春", "", ""], none],
    ]
    # What <unk> would have is shared by the others, 63.5 together.
    expected = np.array([[[32, 16, 0]] * 2, [[32, 16, 8], [0] * 3], [[32, 0, 0], [0] * 3]]) / 63.5
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    assert filled == ["a春b春", "春𠮷", "\n夏春"]


def test_there_are_no_more_candidates_than_characters(blind, vocabulary):
    ((candidates,),), ((probabilities,),), _ = fill(blind(vocabulary), ["□"], 100)
    assert candidates == ["春", "a", "c", "b", "\n", " ", "𠮷"]
    assert probabilities.sum() == pytest.approx(1)


def test_a_blank_of_the_vocabulary_is_no_candidate(blind, write_vocabulary):
    vocabulary = Vocabulary(write_vocabulary("\n abc□春"), "keep")
    ((candidates,),), ((probabilities,),), _ = fill(blind(vocabulary), ["□"], 100)
    assert candidates == ["a", "c", "b", "\n", " ", "春"]
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[0] == pytest.approx(16 / 31.5)


def logits_of(servable, text):
    """float32[n, vocab_size]."""
    ids = servable._vocabulary.encode(tf.constant([text]))
    (units,) = servable.model.read_texts(ids, servable._vocabulary.line_end_id())
    return servable.model.output(units)


def test_candidates_are_ranked_by_the_score_of_the_text_they_make(servable):
    ((candidates,),), ((probabilities,),), (filled,) = fill(servable, ["a春□\nb"], 7)
    assert len(set(candidates)) == 7
    assert filled == f"a春{candidates[0]}\nb"
    logits = logits_of(servable, "a春c\nb")  # its own value does not matter
    odds = np.exp(logits[2, 1:])
    np.testing.assert_allclose(probabilities, np.sort(odds / odds.sum())[::-1], rtol=1e-4)


def test_the_other_blanks_are_read_as_unknown(servable):
    (first, second), _, _ = (rows[0] for rows in fill(servable, ["a□春□"]))
    assert [first] == fill(servable, ["a□春夏"])[0][0]
    assert [second] == fill(servable, ["a夏春□"])[0][0]


def test_a_row_is_filled_alike_beside_others(servable):
    texts = ["a□", "春□\n□𠮷", "□"]
    together = fill(servable, texts)
    for row, text in enumerate(texts):
        alone = fill(servable, [text])
        blanks = text.count("□")
        assert together[0][row][:blanks] == alone[0][0]
        np.testing.assert_allclose(together[1][row, :blanks], alone[1][0], rtol=1e-4)
        assert together[2][row] == alone[2][0]


def test_newlines_stay_where_they_are_read_as_spaces(build_model, write_vocabulary):
    vocabulary = Vocabulary(write_vocabulary(" abcde春"), "space")
    servable = ServableFillModel(build_model(task="fill"), vocabulary, UNIGRAM)
    filled, spaced = (fill(servable, [text])[2][0] for text in ("a\n□\nb", "a □ b"))
    assert filled[:2] + filled[3:] == "a\n\nb"
    assert filled[2] == spaced[2]


BAD = {
    "no text": ({"texts": []}, "text is empty: send one text or more"),
    "empty text": ({"texts": ["a□", ""]}, "text has a text without characters"),
    "no blank": ({"texts": ["□", "ab"]}, "text has nothing to fill in: put a □ for each missing"),
    "too long": ({"texts": ["□" * 10_001]}, "text is too long: send 10000 characters at most"),
    "no UTF-8": ({"texts": [b"\xff\xfea" + "□".encode()]}, "text is not UTF-8: encode it so"),
    "no candidates": ({"top_k": 0}, "top_k is too small: ask for 1 or more"),
    "one negative": ({"texts": ["□", "□"], "top_k": [1, -1]}, "top_k is too small"),
    "too many candidates": ({"top_k": 101}, "top_k is too large: ask for 100 at most"),
}


@pytest.mark.parametrize(("inputs", "message"), BAD.values(), ids=BAD)
def test_it_refuses_with_a_sentence(servable, inputs, message):
    for _ in range(20):  # other operations would fail too: none of them may be the first
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            fill(servable, **{"texts": ["a□"], **inputs})


@pytest.mark.parametrize("rows", [0, 3])
def test_it_wants_a_top_k_for_every_text(servable, rows):
    with pytest.raises(tf.errors.InvalidArgumentError, match="top_k needs one value for each text"):
        servable.fill(text=tf.constant(["□", "□"]), top_k=tf.constant([1] * rows, tf.int32))


def test_a_score_is_each_character_given_all_others(servable):
    """Source: Salazar et al. (2020)."""
    text = "a春\nb"
    nats = 0.0
    for place, character in enumerate(text):
        ((candidates,),), ((probabilities,),), _ = fill(
            servable, [text[:place] + "□" + text[place + 1 :]], 7
        )
        logits = logits_of(servable, text)[place]
        known = 1 - float(tf.nn.softmax(logits)[0])  # <unk> has its share here
        nats -= math.log(probabilities[candidates.index(character)] * known)
    score = servable.score(tf.constant([text]))
    assert float(score["nats"][0]) == pytest.approx(nats, rel=1e-4)
    assert float(score["perplexity"][0]) == pytest.approx(math.exp(nats / 4), rel=1e-4)


def test_evaluate_is_added_up_without_n_grams(servable, scored_window):
    windows = [scored_window("a春\nb", 1), scored_window("夏b", ngram_nats=[1.0, 1.0])]
    outputs = servable.evaluate(tf.constant([window.SerializeToString() for window in windows]))
    whole = servable.score(tf.constant(["a春\nb", "a"]))["nats"][0]
    assert 0 < outputs["nats"][0] < whole  # of three of the four
    result = Tally()
    for row in range(2):
        result.add({name: values.numpy()[row] for name, values in outputs.items()})
    assert (result.characters, result.unknown) == (5, {"夏"})
    figures = result.figures
    assert figures["unigram_perplexity"] == figures["uniform_perplexity"] == pytest.approx(8)
    assert math.isnan(figures["ngram_perplexity"])


def test_a_client_that_knows_nothing_has_its_blanks_filled(servable):
    text = tf.constant(["a□b"])
    (answer,), (expected,) = (
        call(text=text)["text"].numpy() for call in (servable.serving_default, servable.fill)
    )
    assert answer == expected
    assert servable.serving_default(text=text)["candidates"].shape == [1, 1, 7]


def test_its_signatures_tell_it_from_a_language_model(servable, tmp_path):
    servable.save(str(tmp_path))
    answers = {"fill", "serving_default", "score", "evaluate"}
    assert signatures(str(tmp_path)) - {"__saved_model_init_op"} == answers
    # All but the Evaluator's are warmed up, with what they answer.
    records = tf.data.TFRecordDataset(str(tmp_path / "assets.extra" / "tf_serving_warmup_requests"))
    for record in records:
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        assert getattr(servable, request.model_spec.signature_name)(**tensors)
        answers.remove(request.model_spec.signature_name)
    assert answers == {"evaluate"}


def test_a_sample_is_filled(servable):
    before, _, after = servable.sample("春天来").partition(" → ")
    assert before == "春□来"
    assert after[0] + after[2] == "春来"
    assert len(after) == 3
