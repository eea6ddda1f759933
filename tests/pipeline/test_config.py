import dataclasses

import pytest

from modules.errors import ConfigError
from pipeline.config import BUNDLED_CORPUS, OPTIONS, PRESETS, GateOptions, PipelineConfig

pytestmark = pytest.mark.fast


def test_an_option_goes_to_the_part_that_has_it():
    config = PipelineConfig().override({"num_steps": 5, "cell": "lstm", "data": "a.zip"})
    assert config.windows.num_steps == 5
    assert config.hyperparameters.cell == "lstm"
    assert config.data == "a.zip"
    assert config.option("num_steps") == 5
    assert config.option("data") == "a.zip"


def test_the_original_is_not_changed():
    config = PipelineConfig()
    config.override({"num_steps": 5})
    assert config == PipelineConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.data = "b.zip"


def test_places_here_are_spelled_in_one_way(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "link").symlink_to("runs")
    monkeypatch.chdir(tmp_path)
    places = {"root": str(tmp_path / "runs" / "x"), "data": str(tmp_path / "runs" / "*.zip")}
    for folder in ("runs", "./runs", "link", "runs/../link/", str(tmp_path / "runs")):
        spelled = {"root": f"{folder}/x", "data": f"{folder}/*.zip"}
        here = PipelineConfig().override(spelled).here()
        assert here.options() == PipelineConfig().override(places).options()
    # What a link to an archive is called is a document's name.
    (tmp_path / "songs.zip").symlink_to("runs/1.zip")
    assert PipelineConfig(data="songs.zip").here().data == str(tmp_path / "songs.zip")
    assert PipelineConfig(data="gs://bucket/a.zip").here().data == "gs://bucket/a.zip"


def test_a_bucket_is_no_root_here():
    with pytest.raises(ConfigError, match=r"root='gs://b' is not on this machine, on whose disk"):
        PipelineConfig(root="gs://b").here()


def test_no_two_parts_share_an_option():
    config = PipelineConfig()
    parts = [getattr(config, entry.name) for entry in dataclasses.fields(config)]
    owners = [config, *filter(dataclasses.is_dataclass, parts)]
    names = [
        field.name
        for owner in owners
        for field in dataclasses.fields(owner)
        if not dataclasses.is_dataclass(getattr(owner, field.name))
    ]
    assert len(names) == len(set(names))
    assert set(names) == {option.name for option in OPTIONS} == config.options().keys()


def test_unknown_options_are_refused():
    with pytest.raises(ConfigError, match="unknown option num_step: choose from batch_size, "):
        PipelineConfig().override({"num_step": 5})
    with pytest.raises(ConfigError, match="unknown option num_step: choose from batch_size, "):
        PipelineConfig().option("num_step")


def test_an_option_is_checked_when_overridden():
    with pytest.raises(ConfigError, match="num_steps=0 is out of range"):
        PipelineConfig().override({"num_steps": 0})


def test_a_gate_on_held_out_text_needs_some():
    with pytest.raises(ConfigError, match="gate_split='eval' needs held-out text"):
        PipelineConfig().override({"hold_out_policy": "none"})
    both = {"hold_out_policy": "none", "gate_split": "train"}
    assert PipelineConfig().override(both).splits == ("train",)


def test_the_n_gram_model_is_beaten_on_text_that_it_was_not_counted_on():
    with pytest.raises(ConfigError, match="got gate_split='train': gate on 'eval'"):
        GateOptions(gate_split="train", must_beat="ngram")
    with pytest.raises(ConfigError, match="must_beat='bigram' is not known: choose one of"):
        GateOptions(must_beat="bigram")
    with pytest.raises(ConfigError, match="leaves none: hold some out"):
        PipelineConfig().override({"hold_out_policy": "none", "must_beat": "ngram"})


def test_a_mixture_needs_text_to_be_fitted_to():
    with pytest.raises(ConfigError, match=r"validation_ratio=0\.0 sets none aside: give a ratio"):
        PipelineConfig().override({"mixture": True})
    config = PipelineConfig().override({"mixture": True, "validation_ratio": 0.1})
    assert config.splits == ("train", "validation", "eval")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "consecutive"}, "got sampling='consecutive': give sampling='random'"),
        ({"num_steps": 1}, "got windows of 2, num_steps=1: give 2 steps or more"),
        ({"mixture": True, "validation_ratio": 0.1}, "no match; got mixture=True and must_beat='u"),
        ({"must_beat": "ngram"}, "no match; got mixture=False and must_beat='ngram': give neither"),
    ],
)
def test_what_a_fill_in_model_cannot_do_is_refused(options, message):
    fill = PipelineConfig().override({"task": "fill", "sampling": "random"})
    with pytest.raises(ConfigError, match=message):
        fill.override(options)


@pytest.mark.parametrize("bound", [0.5, float("inf"), float("nan")])
def test_the_bound_is_finite_and_possible(bound):
    with pytest.raises(ConfigError, match="max_perplexity="):
        GateOptions(max_perplexity=bound)


def test_the_presets():
    assert PRESETS["lyrics"].data == BUNDLED_CORPUS
    assert PRESETS["lyrics"].splits == ("train", "eval")
    book = PRESETS["book"]
    assert (book.corpus.max_characters, book.vocabulary.newline) == (10_000, "space")
    assert (book.hyperparameters.num_hiddens, book.windows.num_steps) == (256, 35)
    assert (book.windows.batch_size, book.splits) == (32, ("train",))
    assert (book.gate.gate_split, book.vocabulary.vocabulary_splits) == ("train", "all")
    assert len({preset.root for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("root", ["", "runs/[1]", "runs/*"])
def test_a_root_is_a_plain_path(root):
    with pytest.raises(ConfigError, match="is no plain path"):
        PipelineConfig(root=root)
