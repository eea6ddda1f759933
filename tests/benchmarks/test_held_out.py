"""A whole run on a corpus that is learnt in seconds."""

import zipfile

import numpy as np
import pytest

from benchmarks.held_out import measure, score_ngrams
from modules.evaluation.figures import NGRAM_PERPLEXITY
from modules.ngrams.counts import Stretch, count
from pipeline.config import PRESETS
from pipeline.metadata import summarise

pytestmark = pytest.mark.slow
VERSES = ("春天来了花儿开", "夏天来了雨水多", "秋天来了叶子黄", "冬天来了雪花飘")


def test_unknown_characters_cost_what_the_evaluator_lets_them_cost():
    # 4 entries, of which 1 and 2 were seen as often; the order is 1, Witten-Bell's:
    # P(1) = (2 + 2/4) / 6 and P(unknown) = (2/4) / 6, of each of two distinct ones a half.
    counts = count([Stretch(np.array([1, 2, 1, 2]), 0)], vocab_size=4, line_end=3, order=1)
    perplexity = score_ngrams([(np.array([1, 0, 0]), "春夏秋")], counts, order=1)
    assert perplexity == pytest.approx((2.5 / 6 * (0.5 / 6 / 2) ** 2) ** (-1 / 3))


def test_every_model_is_scored_on_the_same_characters(tmp_path):
    with zipfile.ZipFile(tmp_path / "songs.zip", "w") as archive:
        for song in range(12):
            lines = [VERSES[(song + line) % len(VERSES)] for line in range(20)]
            archive.writestr(f"{song:02}.txt", "\n".join(lines) + "\n")
    overrides = {
        "data": str(tmp_path / "songs.zip"),
        "num_steps": 8,
        "batch_size": 8,
        "num_hiddens": 16,
        "embedding_size": 16,
        "num_epochs": 1,
    }
    held_out = measure("bundled", str(tmp_path / "runs"), overrides, lambda *_: None)
    config = PRESETS["lyrics"].override({"root": str(tmp_path / "runs" / "bundled")})
    evaluated = summarise(config).splits["eval"]
    assert held_out.characters == evaluated["characters"]
    assert held_out.perplexities["6-gram"] == pytest.approx(evaluated[NGRAM_PERPLEXITY], rel=1e-4)
    assert held_out.perplexities["2-gram"] < held_out.perplexities["unigram"]
    assert held_out.samples["分开"].startswith("分开")
    assert sum(held_out.mixture_weights.values()) == pytest.approx(1, abs=1e-5)
