from dataclasses import replace
from pathlib import Path

import pytest

from modules.corpus.account import Account
from modules.errors import StorageError
from pipeline.config import PipelineConfig
from pipeline.root import manifest, unchanged
from pipeline.summary import Stage, Summary
from serving.protocol.answers import Candidate, Filled

SUMMARY = Summary(
    stages=[Stage("Trainer", 3.5, False), Stage("Pusher", 0.0, True)],
    corpus=Account(2, 30, 1, 10, {"a hidden file": 1}, {"U+FEFF": 1}, "春天"),
    vocab_size=9,
    splits={"train": {"perplexity": 2.5}, "eval": {"perplexity": float("inf")}},
    gate_split="eval",
    blessed=True,
    reason="every threshold holds",
    pushed_to="serving/lyrics/7",
    version=7,
    tuned={"dropout": 0.1},
    unanswered="no server answers",
)
CACHED = replace(
    SUMMARY,
    stages=[Stage("Trainer", 0.0, True), Stage("Pusher", 0.0, True)],
    unanswered=None,
)
FILLED = Filled("春天来", [[Candidate("来", 0.5), Candidate("去", 0.25)]], unknown="x")


def write(path: Path, content: str = "content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture
def config(tmp_path) -> PipelineConfig:
    """Of a root whose only run has ended."""
    data = write(tmp_path / "songs.txt", "春天\n")
    root = tmp_path / "root"
    model = write(root / "artifacts" / "Trainer" / "model" / "1" / "weights").parent
    write(root / "metadata.sqlite")
    write(root / "serving" / "lyrics" / "7" / "saved_model.pb")
    manifest.record(str(root), [str(model)])
    config = PipelineConfig(data=str(data), root=str(root))
    unchanged.remember(config, None, SUMMARY)
    return config


def test_a_run_that_changed_nothing_is_recalled_as_cached(config):
    assert unchanged.recall(config, None) == CACHED
    write(Path(config.root, "serving", "models.config"))  # no version
    assert unchanged.recall(config, None) == CACHED


@pytest.mark.parametrize("answer", [{"lyric": "春天来了"}, {"filled": FILLED}], ids=str)
def test_an_answer_is_that_to_the_same_prefix(config, answer):
    unchanged.remember(config, "春", replace(SUMMARY, **answer))
    assert unchanged.recall(config, "春") == replace(CACHED, **answer)
    assert unchanged.recall(config, "天") == CACHED


CHANGES = {
    "the corpus": lambda root: write(root.parent / "songs.txt", "夏天\n"),
    "the metadata": lambda root: write(root / "metadata.sqlite", "another run's"),
    "a version": lambda root: write(root / "serving" / "lyrics" / "7" / "saved_model.pb", "other"),
    "a further version": lambda root: write(root / "serving" / "lyrics" / "8" / "saved_model.pb"),
    "no version": lambda root: (root / "serving" / "lyrics" / "7" / "saved_model.pb").unlink(),
    "no artifact": lambda root: (root / "artifacts").rename(root / "elsewhere"),
    "no metadata": lambda root: (root / "metadata.sqlite").unlink(),
    "another summary": lambda root: write(root / ".finished.json", '{"state": "", "summary": {}}'),
    "no summary": lambda root: write(root / ".finished.json", "[]"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_to_be_looked_at(config, change):
    change(Path(config.root))
    assert unchanged.recall(config, None) is None


def test_other_options_are_another_run(config):
    assert unchanged.recall(config.override({"max_perplexity": 7.0}), None) is None


def test_other_code_is_another_run(config, tmp_path, monkeypatch):
    write(tmp_path / "code" / "modules" / "model.py", "")
    monkeypatch.setattr(unchanged, "ROOT", tmp_path / "code")
    assert unchanged.recall(config, None) is None


def test_a_damaged_artifact_is_named(config):
    path = write(Path(config.root, "artifacts", "Trainer", "model", "1", "weights"), "broken")
    with pytest.raises(StorageError, match=f"^{path} is damaged: it has 6 bytes, not 7"):
        unchanged.recall(config, None)


def test_of_a_pattern_that_only_tfx_reads_nothing_is_known(config):
    spans = replace(config, data="span-{SPAN}/*.zip")
    unchanged.remember(spans, None, SUMMARY)
    assert unchanged.recall(spans, None) is None
    assert unchanged.recall(config, None) == CACHED
