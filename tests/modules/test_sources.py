import pytest

from modules import sources
from modules.sources import import_closure, source_digest


def test_the_closure_follows_imports_within_the_project():
    closure = import_closure("components.sequence_windows.executor")
    assert {
        "components.sequence_windows.executor",
        "components.sequence_windows.transforms",
        "modules.windows.windowing",
        "modules.errors",  # through modules.windows.windowing
    } <= closure
    assert "modules.training.loop" not in closure
    assert all(name.split(".")[0] in sources.PACKAGES for name in closure)


def test_the_trainers_code_is_not_the_example_gens():
    assert "modules.training.loop" in import_closure("modules.trainer")
    assert "modules.training.loop" not in import_closure("components.lyrics_example_gen.executor")
    assert "modules.corpus.archives" in import_closure("components.lyrics_example_gen.executor")


def test_smoothing_is_not_counting():
    counting = import_closure("components.ngram_model.executor")
    scoring = import_closure("components.sequence_windows.executor")
    assert "modules.ngrams.counts" in counting & scoring
    assert {"modules.ngrams.kneser_ney", "modules.ngrams.cache"} <= scoring - counting


INGEST = [
    "components.lyrics_example_gen.executor",
    "modules.preprocessing",
    "components.ngram_model.executor",
    "components.sequence_windows.executor",
]


@pytest.mark.parametrize("entry", INGEST)
def test_a_new_signature_or_option_of_the_network_reruns_no_ingest(entry):
    closure = import_closure(entry)
    assert "modules.features" in closure
    assert not closure & {"modules.contract", "modules.hyperparameters"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the project in miniature: `top` imports `middle`, which imports `bottom`."""
    folder = tmp_path / "miniature"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "bottom.py").write_text("VALUE = 1\n")
    (folder / "middle.py").write_text("from miniature.bottom import VALUE\n")
    (folder / "top.py").write_text("def f():\n    from miniature import middle\n")
    (folder / "aside.py").write_text("import os\n")
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "PACKAGES", ("miniature",))
    forget()
    yield folder
    forget()


def forget() -> None:
    for cached in (source_digest, sources._imports):
        cached.cache_clear()


def digest(*modules: str) -> str:
    forget()
    return source_digest(*modules)


def test_an_edit_far_down_changes_the_digest(package):
    before = digest("miniature.top")
    (package / "bottom.py").write_text("VALUE = 2\n")
    assert digest("miniature.top") != before


def test_an_edit_elsewhere_does_not(package):
    before = digest("miniature.top")
    (package / "aside.py").write_text("import sys\n")
    assert digest("miniature.top") == before
    assert digest("miniature.top", "miniature.aside") != before


def test_a_module_that_is_not_there(package):
    with pytest.raises(ModuleNotFoundError):
        digest("miniature.nothing")
