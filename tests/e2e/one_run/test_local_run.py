"""Whole runs of the pipeline: what is pushed, what is not, and what is done again.

Each test goes on from the same first run, whose directory is as it left it.
"""

import shutil
import zipfile
from pathlib import Path

import pytest

from modules import versions
from modules.evaluation.figures import BASELINE_PERPLEXITY
from pipeline import graph, local
from pipeline.metadata import summarise
from pipeline.summary import Summary
from serving.client.blocking import LyricsClient
from serving.server.flags import ServerOptions
from serving.server.server import ModelServer

pytestmark = pytest.mark.slow


def run(config, **options) -> Summary:
    config = config.override(options)
    local.run(config)
    return summarise(config)


def stages(config) -> list[str]:
    return [component.id for component in graph.create_pipeline(config).components]


def ran(summary: Summary) -> list[str]:
    return [stage.name for stage in summary.stages if not stage.cached]


@pytest.fixture
def first(config, ran) -> Summary:
    return summarise(config)


def test_a_good_model_is_blessed_pushed_and_answers_over_grpc(config, first):
    assert [stage.name for stage in first.stages] == ran(first) == stages(config)
    assert first.blessed
    assert first.reason == "every threshold holds"
    (version,) = versions.directories(config.serving_dir)
    assert first.pushed_to == versions.path_of(config.serving_dir, version)
    with (
        ModelServer(ServerOptions(config.serving_dir, port=0, enable_model_warmup=False)) as server,
        LyricsClient(server.target) as client,
    ):
        assert client.wait_until_ready() == version
        (lyric,) = client.generate(["春天"], num_chars=6)
        (score,) = client.score(["春天来了"])
    assert lyric.startswith("春天")
    assert len(lyric) == 8
    assert score.characters == 4
    assert 1 < score.perplexity < first.vocab_size


def test_its_figures_stand_beside_those_of_the_baselines(first):
    assert first.splits.keys() == {"train", "eval"}
    for figures in first.splits.values():
        assert 1 < figures["perplexity"] < figures["unigram_perplexity"]
        assert figures["unigram_perplexity"] < figures["uniform_perplexity"]
        assert figures["uniform_perplexity"] == pytest.approx(first.vocab_size, rel=1e-4)
        assert figures["unknown_share"] == 0
    assert "ngram_perplexity" in first.splits["eval"]
    assert "ngram_perplexity" not in first.splits["train"]  # it was counted there
    assert first.mixture_weights is None
    # 12 songs of 20 lines of 8 characters, of which every fourth is a copy: one is held out, with
    # its copies.
    assert first.splits["train"]["characters"] == 9 * 160
    assert first.splits["eval"]["characters"] == 3 * 160
    assert (first.corpus.copies, first.corpus.known_songs) == (8, 0)


def test_an_unchanged_run_is_all_cached_and_pushes_nothing(config, first):
    again = run(config)
    assert again.all_cached
    assert ran(again) == []
    assert again.splits == first.splits
    assert again.pushed_to == first.pushed_to
    assert len(versions.directories(config.serving_dir)) == 1


def test_the_same_zip_copied_anew_is_cached(config, first):
    archive = Path(config.data)
    archive.write_bytes(archive.read_bytes())
    assert run(config).all_cached


def test_a_root_spelled_differently_is_the_same(config, first, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(Path(config.root).parent)
    monkeypatch.chdir(tmp_path)
    assert run(config, root="link/./root", data="link/songs.zip").all_cached


def test_an_impossible_bound_pushes_nothing(config, first):
    refused = run(config, max_perplexity=1.0)
    assert ran(refused) == ["Evaluator", "Pusher"]
    assert not refused.blessed
    assert refused.reason.startswith("split 'eval': perplexity is ")
    assert refused.reason.endswith(", not from 1 to 1")
    assert refused.pushed_to is None
    assert len(versions.directories(config.serving_dir)) == 1


def test_an_edit_reruns_what_depends_on_the_edited_code(config, first, monkeypatch):
    monkeypatch.setattr("components.evaluator.component.source_digest", lambda *modules: "edited")
    assert ran(run(config)) == ["Evaluator", "Pusher"]
    assert len(versions.directories(config.serving_dir)) == 1  # the same model is not pushed twice


def test_a_worse_model_does_not_replace_the_blessed_one(config, first):
    worse = run(config, num_epochs=1, learning_rate=1e-3, sampling="random")
    assert ran(worse) == ["SequenceWindows", "Trainer", "BaselineModel", "Evaluator", "Pusher"]
    figures = worse.splits["eval"]
    assert not worse.blessed
    assert worse.splits["train"][BASELINE_PERPLEXITY] == pytest.approx(
        first.splits["train"]["perplexity"], rel=1e-4
    )
    assert figures["perplexity"] > figures[BASELINE_PERPLEXITY]
    assert "above the baseline model's" in worse.reason
    assert worse.pushed_to is None


def test_a_better_model_becomes_a_new_version(config, first):
    better = run(config, num_epochs=20)
    assert ran(better) == ["Trainer", "BaselineModel", "Evaluator", "Pusher"]
    assert better.blessed
    figures = better.splits["train"]
    assert figures["perplexity"] < figures[BASELINE_PERPLEXITY]
    old, new = versions.directories(config.serving_dir)
    assert better.pushed_to == versions.path_of(config.serving_dir, new)
    assert new > old


def test_a_version_that_was_removed_is_pushed_again(config, first):
    shutil.rmtree(config.serving_dir)
    again = run(config)
    assert ran(again) == ["Pusher"]
    assert again.splits == first.splits
    (version,) = versions.directories(config.serving_dir)
    assert again.pushed_to == versions.path_of(config.serving_dir, version)
    assert ran(run(config)) == []


def test_a_damaged_version_is_named_and_pushed_again(config, first):
    weights = Path(first.pushed_to, "variables", "variables.index")
    weights.write_bytes(weights.read_bytes()[:-1])
    again = run(config)
    assert ran(again) == ["BaselineModel", "Evaluator", "Pusher"]
    assert again.blessed
    assert again.reason == (
        f"every threshold holds; version {first.version} cannot be compared with: its variables "
        "are damaged or missing"
    )
    assert max(versions.directories(config.serving_dir)) == again.version > first.version


def test_other_data_rerun_everything(config, first):
    with zipfile.ZipFile(config.data, "a") as archive:
        archive.writestr("album/99.txt", "春天来了花儿开\n" * 20)
    assert ran(run(config)) == stages(config)
