"""The BaselineModel executor: finds the version to compare the candidate with, copies it."""

from tensorflow.io import gfile
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import saved_models
from components.executors import Artifacts, Properties
from modules import versions

MODEL = "model"
BASELINE = "baseline"
BASE_DIRECTORY = "base_directory"
VERSION = "version"  # an option that the driver sets, and a property of the output; 0 is none


def newest_other_version(base: str, model: str) -> int:
    """The newest version under `base` that `model` can be compared with; 0 if there is none.

    That is another model with the same signatures. One with others is of another task, and its
    perplexity another measure.
    """
    candidate, signatures = saved_models.digest(model), saved_models.signatures(model)
    for version, path in reversed(versions.directories(base, gfile).items()):
        if not saved_models.holds_model(path) or saved_models.signatures(path) != signatures:
            continue
        if saved_models.digest(path) != candidate:
            return version
    return 0


class Executor(base_executor.BaseExecutor):
    """Copies the version that the driver chose; chooses it where none did, as on Kubeflow."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """Copies a version to the output, or leaves that empty.

        Args:
            input_dict: `model`, the candidate.
            output_dict: `baseline`, where the copy goes.
            exec_properties: `base_directory`, where versions are pushed; and `version`, where a
                driver ran.
        """
        base = exec_properties[BASE_DIRECTORY]
        version = exec_properties.get(VERSION)
        if version is None:
            model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[MODEL]))
            version = newest_other_version(base, model)
        if version:
            baseline = artifact_utils.get_single_instance(output_dict[BASELINE])
            target = path_utils.serving_model_path(baseline.uri)
            saved_models.copy(versions.path_of(base, version), target)
            baseline.set_int_custom_property(VERSION, version)
