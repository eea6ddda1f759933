"""A model that fills in: its run after the other task's, its answers, and the other's after it."""

import json
import shutil

import pytest

from modules import versions
from modules.evaluation.figures import BASELINE_PERPLEXITY
from pipeline import local
from pipeline.metadata import summarise
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def summary(go_back, options, lyrics_here) -> dict:
    go_back()
    changes = {"task": "fill", "num_epochs": 4}
    result = lyrics_here("run", *options(**changes), "--prefix=春天来", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def target(config, summary, tmp_path_factory):
    served = tmp_path_factory.mktemp("served") / "lyrics"
    shutil.copytree(config.serving_dir, served)
    with ModelServer(ServerOptions(str(served), port=0, enable_model_warmup=False)) as server:
        yield server.target


def test_it_is_trained_gated_and_pushed_by_its_pseudo_perplexity(config, summary):
    assert summary["task"] == "fill"
    assert summary["blessed"]
    for figures in summary["splits"].values():
        assert 1 < figures["perplexity"] < figures["unigram_perplexity"]
        assert not [name for name in figures if "ngram" in name or "mixture" in name]
        assert BASELINE_PERPLEXITY not in figures
    assert max(versions.directories(config.serving_dir)) == summary["version"]


def test_the_summary_ends_with_what_it_filled_in(summary):
    assert summary["lyric"] is None
    text, ((best, *others),) = summary["filled"]["text"], summary["filled"]["blanks"]
    assert text == f"春{best['character']}来"
    assert 0 < others[-1]["probability"] <= best["probability"] < 1
    assert len(others) == 4


def test_the_command_fills_in(target, lyrics_here):
    asked = lyrics_here("fill", "春□来了", "花", "--target", target)
    assert asked.exit_code == 1
    assert "text has nothing to fill in: put a □ for each missing character" in asked.output
    asked = lyrics_here("fill", "春□来了", "□□", "--top-k=2", "--target", target)
    assert asked.exit_code == 0, asked.output
    lines = asked.stdout.splitlines()
    assert [line.count("%") for line in lines] == [0, 2, 0, 2, 2]
    assert lines[0] == f"春{lines[1].split()[0]}来了"


def test_it_does_not_write_on_and_says_so_in_a_line(target, lyrics_here):
    asked = lyrics_here("generate", "春天", "--target", target)
    assert asked.exit_code == 1
    (line,) = asked.output.splitlines()
    assert line.startswith("Error: model 'lyrics' at ")
    assert "cannot do this" in line


def test_a_model_that_writes_on_is_not_compared_with_it(config, summary):
    config = config.override({"max_perplexity": 500.0})
    local.run(config)
    language = summarise(config)
    ran = [stage.name for stage in language.stages if not stage.cached]
    assert ran == ["Evaluator", "Pusher"]
    assert language.task == "language"
    assert language.blessed
    for figures in language.splits.values():
        assert BASELINE_PERPLEXITY not in figures
