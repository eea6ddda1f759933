"""The book's loop and the served model are the same model."""

import pytest

from benchmarks.ask import call_of
from benchmarks.contestants import book_predict
from benchmarks.served_model import VERSIONS, export, read_weights
from benchmarks.writing import PREFIX, VOCAB_SIZE, Writing
from modules.contract import GENERATE
from modules.features import TEXT
from serving.server.runtime.loaded_model import LoadedModel

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cell", ["gru"])
def test_both_write_the_same(cell, tmp_path):
    export(cell, tmp_path / cell, (GENERATE,))
    task = Writing(cell, str(tmp_path / cell), num_chars=12)
    model = LoadedModel(1, tmp_path / cell / VERSIONS / "1")
    call = call_of(task)
    (text,) = model.predict(call.signature_name, call.inputs)[TEXT].string_val
    model.close()
    written = book_predict.predictor(task)(PREFIX, 12)
    assert text.decode() == written
    assert len(written) == len(PREFIX) + 12
    assert len(set(written)) > 4  # it does not just repeat itself
    weights, characters = read_weights(task.model)
    assert weights[-1].shape == (VOCAB_SIZE,)
    assert len(set(characters)) == VOCAB_SIZE
