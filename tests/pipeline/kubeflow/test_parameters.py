import json

import pytest
import yaml

from modules.errors import ConfigError
from pipeline.config import PRESETS
from pipeline.kubeflow.compiling import compile_pipeline
from pipeline.kubeflow.options import ClusterOptions
from pipeline.kubeflow.parameters import take_up

CONFIG = PRESETS["smoke"].override({"root": "/mnt/lyrics", "data": "/mnt/lyrics/songs.zip"})


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("compiled") / "lyrics.yaml"
    compile_pipeline(CONFIG, ClusterOptions(), str(path))
    return next(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="module")
def values(spec):
    """What a stage is told where a run is given these parameters."""
    offered = spec["root"]["inputDefinitions"]["parameters"]

    def values(stage, **given):
        run = {name: about["defaultValue"] for name, about in offered.items()} | given
        found = {}
        for name, source in spec["root"]["dag"]["tasks"][stage]["inputs"]["parameters"].items():
            if "componentInputParameter" in source:
                found[name] = run[source["componentInputParameter"]]
            elif "taskOutputParameter" in source:
                found[name] = "what the corpus is"
            else:
                found[name] = source["runtimeValue"]["constant"]
        return found

    return values


@pytest.fixture(scope="module")
def taken_up(spec, values):
    """The execution properties of a stage where a run is given these parameters."""

    def taken_up(stage, **given):
        (executor,) = [
            executor["container"]["args"]
            for label, executor in spec["deploymentSpec"]["executors"].items()
            if label == f"{stage}_executor"
        ]
        arguments = dict(zip(executor[::2], executor[1::2], strict=True))
        return take_up(values(stage, **given), arguments["--stage"], arguments["--options"])

    return taken_up


def test_kfps_form_shows_them_with_their_defaults_and_help(spec):
    offered = spec["root"]["inputDefinitions"]["parameters"]
    assert offered["num_epochs"] == {
        "parameterType": "NUMBER_INTEGER",
        "defaultValue": CONFIG.hyperparameters.num_epochs,
        "description": offered["num_epochs"]["description"],
        "isOptional": True,
    }
    assert offered["data"]["defaultValue"] == "/mnt/lyrics/songs.zip"
    assert offered["max_perplexity"]["parameterType"] == "NUMBER_DOUBLE"
    assert all(about["description"].endswith(".") for about in offered.values())


def test_each_reaches_the_stages_that_depend_on_it_and_no_others(spec):
    reached: dict[str, set[str]] = {}
    for stage, task in spec["root"]["dag"]["tasks"].items():
        for source in task["inputs"].get("parameters", {}).values():
            if name := source.get("componentInputParameter"):
                reached.setdefault(name, set()).add(stage)
    assert reached == {
        "data": {"CorpusFingerprint", "LyricsExampleGen"},
        "root": {"Trainer", "BaselineModel", "Pusher"},
        "push_to": {"BaselineModel", "Pusher"},
        "cell": {"Trainer"},
        "num_epochs": {"Trainer"},
        "learning_rate": {"Trainer"},
        "seed": {"Trainer"},
        "max_perplexity": {"Evaluator"},
    }


def test_what_is_an_option_s_value_and_no_more_is_told_nothing_else(spec):
    """Else any other option that was compiled would keep KFP's cache from knowing the stage."""
    assert "data" not in spec["components"]["LyricsExampleGen"]["inputDefinitions"]["parameters"]
    inputs = spec["root"]["dag"]["tasks"]["LyricsExampleGen"]["inputs"]["parameters"]
    assert inputs["input_pattern"] == {"componentInputParameter": "data"}
    arguments = spec["deploymentSpec"]["executors"]["LyricsExampleGen_executor"]["container"][
        "args"
    ]
    assert "--options" not in arguments


@pytest.mark.parametrize("stage", ["Trainer", "BaselineModel", "Evaluator", "Pusher"])
def test_at_their_defaults_a_stage_is_told_what_was_compiled(stage, spec, values, taken_up):
    offered = spec["root"]["inputDefinitions"]["parameters"].keys()
    compiled = {name: value for name, value in values(stage).items() if name not in offered}
    assert taken_up(stage) == compiled


def test_another_value_changes_what_it_stands_for_and_nothing_else(taken_up):
    before, after = taken_up("Trainer"), taken_up("Trainer", num_epochs=9.0, cell="lstm")
    hyperparameters = json.loads(after["custom_config"])["hyperparameters"]
    assert (hyperparameters["num_epochs"], hyperparameters["cell"]) == (9, "lstm")
    unchanged = json.loads(before["custom_config"])["hyperparameters"]
    assert hyperparameters == unchanged | {"num_epochs": 9, "cell": "lstm"}
    destination = taken_up("Pusher", root="/mnt/other")["push_destination"]
    assert json.loads(destination)["filesystem"]["base_directory"] == "/mnt/other/serving/lyrics"


@pytest.mark.parametrize("given", [{"cell": "transformer"}, {"num_epochs": 0}])
def test_what_makes_no_sense_is_refused_as_here(taken_up, given):
    with pytest.raises(ConfigError, match=next(iter(given))):
        taken_up("Trainer", **given)


def test_a_stage_that_none_reaches_is_as_it_was(spec):
    arguments = spec["deploymentSpec"]["executors"]["SchemaGen_executor"]["container"]["args"]
    assert "--stage" not in arguments
    assert take_up({"infer_feature_shape": 1}, "SchemaGen", "{}") == {"infer_feature_shape": 1}
