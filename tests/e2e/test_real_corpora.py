"""Corpora that are not part of this project; skipped where they are absent."""

import numpy as np
import pytest
from tfx import v1 as tfx
from tfx.orchestration.pipeline import RunOptions

from modules.features import EVAL, NGRAM_NATS
from modules.windows.dataset import parse_scored_windows, scored_batches
from pipeline import local
from pipeline.config import PRESETS
from pipeline.graph import create_pipeline
from pipeline.metadata import Run, summarise
from pipeline.root import store

pytestmark = pytest.mark.slow


def test_the_books_preset_has_the_books_vocabulary_and_is_gated_on_memory(shared_data, tmp_path):
    options = {
        "data": str(shared_data / "jaychou_lyrics.txt.zip"),
        "root": str(tmp_path),
        "num_epochs": 1,
        "num_hiddens": 16,
        "sample_every": 0,
    }
    config = PRESETS["book"].override(options)
    local.run(config)
    summary = summarise(config)
    assert summary.vocab_size == 1_027 + 1
    assert summary.splits.keys() == {"train"}
    assert summary.splits["train"]["characters"] == 10_000
    assert summary.splits["train"]["uniform_perplexity"] == pytest.approx(1_028, rel=1e-4)
    assert summary.memory_only
    assert not summary.blessed
    assert "split 'train': perplexity is " in summary.reason


def test_the_song_poems_go_through_to_the_windows_with_the_ngrams_scores(shared_data, tmp_path):
    config = PRESETS["lyrics"].override(
        {"data": str(shared_data / "songci.zip"), "root": str(tmp_path)}
    )
    pipeline = create_pipeline(config)
    pipeline.metadata_connection_config = store.connection(config.root)
    tfx.orchestration.LocalDagRunner().run(pipeline, RunOptions(to_nodes=["SequenceWindows"]))
    run = Run(config)
    assert run.stages[-1].name == "SequenceWindows"
    pattern = f"{run.output('SequenceWindows', 'windows').uri}/Split-scored_eval/*"
    batches = map(parse_scored_windows, scored_batches([pattern], EVAL, 64))
    nats = np.concatenate([batch[NGRAM_NATS].flat_values for batch in batches])
    assert len(nats) > 190_000
    assert 90 < np.exp(nats.mean()) < 105
