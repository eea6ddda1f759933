import copy
import json

import pytest

from pipeline.kubeflow.executor_input import globalised, localised, output_paths
from pipeline.kubeflow.mounts import Mounts

pytestmark = pytest.mark.fast

RUN = "minio://store/v2/artifacts/lyrics/4f0b"
TYPE = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
SPEC = {
    "artifacts": {
        "model": {"artifactType": TYPE},
        "baseline_model": {"artifactType": TYPE},
    },
    "parameters": {"eval_config": {"parameterType": "STRING"}},
}
BLESSING = {"instanceSchema": "title: tfx.ModelBlessing\ntype: object\n"}


@pytest.fixture
def given():
    """As the driver of KFP 2.17 writes it."""
    return {
        "inputs": {
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "80",
                            "type": {"instanceSchema": ""},
                            "uri": f"{RUN}/Trainer/1f03/model",
                            "metadata": {"display_name": "model", "tfx_version": "1.16.0"},
                        }
                    ]
                },
                "baseline_model": {
                    "artifacts": [{"name": "82", "uri": f"{RUN}/BaselineModel/0028/baseline"}]
                },
            },
            "parameterValues": {"eval_config": "{}"},
        },
        "outputs": {
            "artifacts": {
                "blessing": {
                    "artifacts": [
                        {
                            "name": "blessing",
                            "type": BLESSING,
                            "uri": f"{RUN}/Evaluator/c5e8/blessing",
                        }
                    ]
                },
                "executor-logs": {
                    "artifacts": [
                        {
                            "name": "executor-logs",
                            "type": {"schemaTitle": "system.Artifact"},
                            "uri": f"{RUN}/Evaluator/c5e8/executor-logs-0",
                        }
                    ]
                },
            },
            "outputFile": "/minio/store/v2/artifacts/lyrics/4f0b/Evaluator/c5e8/output.json",
        },
    }


def artifact(executor_input, side, name):
    (found,) = executor_input[side]["artifacts"][name]["artifacts"]
    return found


@pytest.mark.parametrize("prefix", ["/", "/elsewhere"])
def test_everything_is_typed_and_on_the_steps_own_disk(given, prefix):
    before = copy.deepcopy(given)
    local = localised(given, SPEC, Mounts(prefix))
    run = f"{prefix.rstrip('/')}/minio/store/v2/artifacts/lyrics/4f0b"
    model = artifact(local, "inputs", "model")
    assert model["uri"] == f"{run}/Trainer/1f03/model"
    assert model["metadata"] == {"display_name": "model", "tfx_version": "1.16.0"}
    assert model["type"] == artifact(local, "inputs", "baseline_model")["type"] == TYPE
    assert artifact(local, "outputs", "blessing")["type"] == BLESSING
    assert output_paths(local) == [f"{run}/Evaluator/c5e8/blessing"]
    assert local["outputs"]["outputFile"] == f"{run}/Evaluator/c5e8/output.json"
    assert local["inputs"]["parameterValues"] == {"eval_config": "{}"}
    assert given == before


def test_logs_that_are_not_injected_are_not_missed(given):
    with_logs = localised(given, SPEC, Mounts())
    del given["outputs"]["artifacts"]["executor-logs"]
    assert localised(given, SPEC, Mounts()) == with_logs


def test_the_first_step_has_no_inputs_but_parameters(given):
    del given["inputs"]["artifacts"]
    local = localised(given, {"parameters": SPEC["parameters"]}, Mounts())
    assert local["inputs"] == given["inputs"]


def test_a_custom_path_is_where_the_launcher_looks(given):
    artifact(given, "inputs", "model")["customPath"] = "/kfp-workspace/model"
    artifact(given, "outputs", "blessing")["customPath"] = "/scratch/blessing"
    mounts = Mounts("/elsewhere")
    local = localised(given, SPEC, mounts)
    assert artifact(local, "inputs", "model")["uri"] == "/elsewhere/kfp-workspace/model"
    assert output_paths(local) == ["/elsewhere/scratch/blessing"]
    answer = {"uri": "/elsewhere/scratch/blessing", "of": "/elsewhere/kfp-workspace/model/part"}
    assert globalised(answer, given, mounts) == {
        "uri": f"{RUN}/Evaluator/c5e8/blessing",
        "of": f"{RUN}/Trainer/1f03/model/part",
    }


@pytest.mark.parametrize("prefix", ["/", "/elsewhere"])
def test_all_metadata_name_uris_again(given, prefix):
    mounts = Mounts(prefix)
    local = localised(given, SPEC, mounts)
    answer = {
        "artifacts": {
            "blessing": {
                "artifacts": [
                    {
                        "name": "blessing",
                        "uri": artifact(local, "outputs", "blessing")["uri"],
                        "metadata": {
                            "blessed": 1.0,
                            "baseline_model": artifact(local, "inputs", "baseline_model")["uri"],
                            "baseline_model_id": "82",
                            "current_model": artifact(local, "inputs", "model")["uri"],
                            "elsewhere": mounts.path("gs://bucket/other"),
                            "pushed_destination": "/mnt/lyrics/serving/lyrics/17",
                            "reason": "every threshold holds",
                        },
                    }
                ]
            }
        }
    }
    (blessing,) = globalised(answer, given, mounts)["artifacts"]["blessing"]["artifacts"]
    assert blessing["uri"] == f"{RUN}/Evaluator/c5e8/blessing"
    assert blessing["metadata"] == {
        "blessed": 1.0,
        "baseline_model": f"{RUN}/BaselineModel/0028/baseline",
        "baseline_model_id": "82",
        "current_model": f"{RUN}/Trainer/1f03/model",
        "elsewhere": "gs://bucket/other",
        "pushed_destination": "/mnt/lyrics/serving/lyrics/17",
        "reason": "every threshold holds",
    }


def test_a_root_that_kfp_does_not_store_at_is_named(given):
    foreign = json.loads(json.dumps(given).replace("minio://", "ftp://"))
    with pytest.raises(ValueError, match="ftp://store"):
        localised(foreign, SPEC, Mounts())
