import json

import pytest
from tfx.proto import transform_pb2
from tfx.utils import proto_utils

from modules.sources import source_digest
from pipeline.config import PRESETS
from pipeline.graph import create_pipeline


def nodes(**options):
    pipeline = create_pipeline(PRESETS["lyrics"].override({"root": "/nowhere", **options}))
    return {component.id: component for component in pipeline.components}


def splits(transform):
    config = transform_pb2.SplitsConfig()
    proto_utils.json_to_proto(transform.exec_properties["splits_config"], config)
    return list(config.analyze), list(config.transform)


def test_the_nodes_are_in_the_order_of_the_data():
    assert list(nodes()) == [
        "LyricsExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "ExampleValidator",
        "Transform",
        "NgramModel",
        "SequenceWindows",
        "Trainer",
        "BaselineModel",
        "Evaluator",
        "Pusher",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (["train"], ["train", "eval"])),
        ({"vocabulary_splits": "all"}, (["train", "eval"], ["train", "eval"])),
        ({"hold_out_policy": "none", "gate_split": "train"}, (["train"], ["train"])),
        ({"validation_ratio": 0.1}, (["train"], ["train", "validation", "eval"])),
    ],
)
def test_the_vocabulary_is_that_of_the_splits_asked_for(options, expected):
    assert splits(nodes(**options)["Transform"]) == expected


def test_the_trainer_is_told_everything_that_it_depends_on():
    trainer = nodes(num_hiddens=7, num_steps=5, newline="space")["Trainer"]
    config = json.loads(trainer.exec_properties["custom_config"])
    assert config["hyperparameters"]["num_hiddens"] == 7
    assert config["windows"]["num_steps"] == 5
    assert config["vocabulary"]["newline"] == "space"
    assert config["work_dir"] == "/nowhere/unfinished"
    assert config["mixture"] is False
    trainer = nodes(mixture=True, validation_ratio=0.1)["Trainer"]
    assert json.loads(trainer.exec_properties["custom_config"])["mixture"] is True


def test_the_tuner_stands_before_the_trainer_that_takes_what_it_finds():
    made = nodes(num_trials=3, tune_epochs=2, learning_rate=0.5)
    names = list(made)
    assert names[names.index("SequenceWindows") :][:3] == ["SequenceWindows", "Tuner", "Trainer"]
    assert made["Trainer"].inputs["hyperparameters"].producer_component_id == "Tuner"
    assert "hyperparameters" not in nodes()["Trainer"].inputs
    tuner = made["Tuner"]
    for name in ("train_args", "eval_args"):
        assert tuner.exec_properties[name] == made["Trainer"].exec_properties[name]
    config = json.loads(tuner.exec_properties["custom_config"])
    assert config["num_trials"] == 3
    assert config["hyperparameters"]["num_epochs"] == 2
    assert config["hyperparameters"]["learning_rate"] == 0.5
    assert config["source_digest"] == source_digest("modules.tuner")


def test_the_tuner_is_run_again_for_what_its_trials_depend_on_alone():
    def properties(**options):
        return nodes(num_trials=3, **options)["Tuner"].exec_properties

    assert properties(num_epochs=30, prefixes=("春",), max_perplexity=9.0) == properties()
    for options in ({"tune_epochs": 9}, {"cell": "lstm"}, {"num_steps": 5}, {"seed": 1}):
        assert properties(**options) != properties()


def test_validation_windows_go_wherever_held_out_ones_go():
    made = nodes(validation_ratio=0.1)
    scored = ["scored_train", "scored_validation", "scored_eval"]
    assert json.loads(made["Evaluator"].exec_properties["example_splits"]) == scored
    eval_args = json.loads(made["Trainer"].exec_properties["eval_args"])
    assert eval_args["splits"] == scored


def test_nothing_is_written_by_drawing_the_graph(tmp_path):
    nodes(root=str(tmp_path / "root"))
    assert list(tmp_path.iterdir()) == []
