import json
import os
import re
from pathlib import Path

import pytest
import yaml
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.utils import import_utils

from pipeline.config import PRESETS
from pipeline.kubeflow.compiling import compile_pipeline
from pipeline.kubeflow.entrypoint import main
from pipeline.kubeflow.executor_input import localised
from pipeline.kubeflow.mounts import Mounts
from pipeline.kubeflow.options import ClusterOptions

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "kubeflow"
STAGES = (
    *("LyricsExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"),
    *("NgramModel", "SequenceWindows", "Trainer", "BaselineModel", "Evaluator", "Pusher"),
)
RUN = "minio://store/v2/artifacts/lyrics/4f0b"


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("compiled") / "lyrics.yaml"
    compile_pipeline(PRESETS["smoke"].override({"root": "/mnt/l"}), ClusterOptions(), str(path))
    return next(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="module", params=STAGES)
def recorded(request, spec):
    """What the driver of KFP 2.17 gave to a stage, and the stage as it is compiled now."""
    if not RECORDED.is_dir():
        pytest.skip("no recorded ExecutorInputs: they are not part of this project")
    given = json.loads((RECORDED / f"{request.param}.json").read_text())
    return given, spec["components"][request.param]


def types(executor_input, side) -> dict[str, object]:
    """The class of each channel's artifacts, as TFX finds it."""
    found = {}
    for name, channel in executor_input[side].get("artifacts", {}).items():
        (artifact,) = channel["artifacts"]
        schema = yaml.safe_load(artifact["type"]["instanceSchema"])
        path = compiler_utils.TITLE_TO_CLASS_PATH.get(schema["title"], schema["title"])
        found[name] = import_utils.import_class_by_path(path)
    return found


def test_tfx_can_work_with_what_the_real_driver_wrote(recorded):
    given, component = recorded
    inputs_spec = component.get("inputDefinitions", {})
    # A channel that the pipeline has no longer keeps what the driver said of it: nothing.
    channels = given["inputs"].get("artifacts", {})
    known = {name: channels[name] for name in channels if name in inputs_spec["artifacts"]}
    if channels:
        given["inputs"]["artifacts"] = known
        assert known
    local = localised(given, inputs_spec, Mounts("/elsewhere"))
    assert types(local, "inputs").keys() == known.keys()
    assert "executor-logs" not in types(local, "outputs")
    for side in ("inputs", "outputs"):
        for channel in local[side].get("artifacts", {}).values():
            (artifact,) = channel["artifacts"]
            assert artifact["uri"].startswith("/elsewhere/minio/")
    assert local["outputs"]["outputFile"].startswith("/elsewhere/minio/")


@pytest.fixture
def baseline_step(tmp_path, spec):
    """The arguments of BaselineModel's container for a model, and where its artifacts lie."""
    given = {
        "inputs": {
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "80",
                            "type": {"instanceSchema": ""},
                            "uri": f"{RUN}/Trainer/1f03/model",
                            "metadata": {"display_name": "model"},
                        }
                    ]
                }
            },
            "parameterValues": {"base_directory": str(tmp_path / "served"), "source_digest": "0"},
        },
        "outputs": {
            "artifacts": {
                "baseline": {
                    "artifacts": [
                        {
                            "name": "baseline",
                            "type": {"instanceSchema": "title: tfx.Model\ntype: object\n"},
                            "uri": f"{RUN}/BaselineModel/0028/baseline",
                        }
                    ]
                }
            },
            "outputFile": "/minio/store/v2/artifacts/lyrics/4f0b/BaselineModel/0028/output.json",
        },
    }
    arguments = spec["deploymentSpec"]["executors"]["BaselineModel_executor"]["container"]["args"]
    filled = [argument.replace("{{$}}", json.dumps(given)) for argument in arguments]
    run = tmp_path / "minio/store/v2/artifacts/lyrics/4f0b"
    return [*filled, f"--mounts={tmp_path}"], run


def test_an_executor_runs_and_answers_with_uris(baseline_step, saved_model):
    arguments, run = baseline_step
    saved_model(run / "Trainer/1f03/model/Format-Serving")
    main(arguments)
    assert os.listdir(run / "BaselineModel/0028/baseline") == []
    answer = json.loads((run / "BaselineModel/0028/output.json").read_text())
    (baseline,) = answer["artifacts"]["baseline"]["artifacts"]
    assert baseline["uri"] == f"{RUN}/BaselineModel/0028/baseline"
    assert baseline["metadata"]["tfx_version"]


def test_it_chooses_for_itself_as_no_driver_did(baseline_step, saved_model, tmp_path):
    arguments, run = baseline_step
    saved_model(run / "Trainer/1f03/model/Format-Serving")
    saved_model(tmp_path / "served/17", weight=2.0)
    main(arguments)
    answer = json.loads((run / "BaselineModel/0028/output.json").read_text())
    (baseline,) = answer["artifacts"]["baseline"]["artifacts"]
    assert baseline["metadata"]["version"] == 17
    assert (run / "BaselineModel/0028/baseline/Format-Serving/saved_model.pb").is_file()


@pytest.fixture(scope="module")
def saved_model():
    """Writes one with a variable to a directory."""
    import tensorflow as tf

    def write(directory: Path, weight: float = 1.0) -> None:
        module = tf.Module()
        module.weight = tf.Variable(weight)
        tf.saved_model.save(module, str(directory))

    return write


def test_a_failure_that_can_be_mended_is_one_line(spec, tmp_path):
    given = {
        "inputs": {
            "parameterValues": {
                "corpus": "{}",
                "hold_out": "{}",
                "input_pattern": str(tmp_path / "none.zip"),
                "source_digest": "0",
            }
        },
        "outputs": {"outputFile": "/minio/store/out.json"},
    }
    executor = spec["deploymentSpec"]["executors"]["LyricsExampleGen_executor"]["container"]
    filled = [argument.replace("{{$}}", json.dumps(given)) for argument in executor["args"]]
    with pytest.raises(SystemExit) as ended:
        main([*filled, f"--mounts={tmp_path}"])
    assert re.fullmatch(r"Error: .*none\.zip.*", str(ended.value.code))
