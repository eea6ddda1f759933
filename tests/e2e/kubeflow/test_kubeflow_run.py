"""One run on what executes a compiled pipeline as Kubeflow does."""

import pytest
from kubeflow_walker import Run, Start, forked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start() -> Start:
    return forked()


@pytest.fixture(scope="module")
def first(run) -> Run:
    """A run where nothing was pushed before."""
    return run()


def test_all_steps_ran_in_order_and_the_model_is_pushed(first, pushed):
    assert first.tasks[:2] == ["CorpusFingerprint", "LyricsExampleGen"]
    assert first.tasks[-3:] == ["BaselineModel", "Evaluator", "Pusher"]
    assert len(first.tasks) == 12
    assert first.metadata("Evaluator", "blessing")["blessed"] == 1
    (version,) = pushed()
    assert first.metadata("Pusher", "pushed_model")["pushed_version"] == str(version)


def test_metadata_name_no_path_of_a_step(first):
    """They would mean nothing to whoever reads them later."""
    blessing = first.metadata("Evaluator", "blessing")
    for name, (task, channel) in {
        "current_model": ("Trainer", "model"),
        "baseline_model": ("BaselineModel", "baseline"),
    }.items():
        if name in blessing:
            assert blessing[name] == first.outputs[task, channel]["uri"]
    assert "current_model" in blessing
    for artifact in first.outputs.values():
        assert artifact["uri"].startswith("minio://")
        assert "/minio/" not in str(artifact["metadata"])


def test_kfps_page_shows_the_figures_and_the_verdict(first, artifacts):
    metrics = first.metadata("Evaluator", "metrics")
    assert 1 < metrics["eval perplexity"] < metrics["eval unigram_perplexity"]
    summary = first.outputs["Evaluator", "summary"]
    assert summary["type"]["schemaTitle"] == "system.Markdown"
    key = summary["uri"].removeprefix(f"minio://{artifacts.name}/")
    said = artifacts.Object(key).get()["Body"].read().decode()
    assert said.startswith("The model **passed** the gate: every threshold holds.")


def test_logs_are_left_to_the_launcher(first):
    assert all("executor-logs" in given["outputs"]["artifacts"] for given in first.inputs.values())
