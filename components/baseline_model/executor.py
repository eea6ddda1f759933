"""The BaselineModel executor: finds the version to compare the candidate with, copies it."""

from dataclasses import dataclass

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import pushed, saved_models
from components.executors import Artifacts, Properties
from modules import versions

MODEL = "model"
BASELINE = "baseline"
BASE_DIRECTORY = "base_directory"
# Options that the driver sets, and properties of the output; see `Choice`.
VERSION = "version"
PASSED_OVER = "passed_over"


@dataclass(frozen=True)
class Choice:
    """What a candidate is compared with.

    Attributes:
        version: 0 is none.
        passed_over: which newer versions it cannot be compared with, and why; "" is none.
    """

    version: int
    passed_over: str

    def properties(self) -> Properties:
        """By name."""
        return {VERSION: self.version, PASSED_OVER: self.passed_over}


def newest_other_version(base: str, model: str) -> Choice:
    """The newest version under `base` that `model` can be compared with.

    That is another model, whole, with the same signatures. One with others is of another task, and
    its perplexity another measure.
    """
    candidate, signatures = saved_models.digest(model), saved_models.signatures(model)
    faults: list[str] = []
    for version, path in reversed(pushed.found(base).items()):
        with pushed.readable(path) as there:
            if fault := saved_models.fault(there):
                faults.append(f"version {version} cannot be compared with: {fault}")
            elif saved_models.signatures(there) != signatures:
                continue
            elif saved_models.digest(there) != candidate:
                return Choice(version, "; ".join(faults))
    return Choice(0, "; ".join(faults))


class Executor(base_executor.BaseExecutor):
    """Copies the version that the driver chose; chooses it where none did, as on Kubeflow."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """Copies a version to the output, or leaves that empty.

        Args:
            input_dict: `model`, the candidate.
            output_dict: `baseline`, where the copy goes; it says which version it is, and which
                newer ones were passed over.
            exec_properties: `base_directory`, where versions are pushed; and, where a driver ran,
                `version` and `passed_over`.
        """
        base = exec_properties[BASE_DIRECTORY]
        if VERSION in exec_properties:
            chosen = Choice(exec_properties[VERSION], exec_properties.get(PASSED_OVER, ""))
        else:
            model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[MODEL]))
            chosen = newest_other_version(base, model)
        baseline = artifact_utils.get_single_instance(output_dict[BASELINE])
        if chosen.passed_over:
            baseline.set_string_custom_property(PASSED_OVER, chosen.passed_over)
        if chosen.version:
            target = path_utils.serving_model_path(baseline.uri)
            with pushed.readable(versions.path_of(base, chosen.version)) as there:
                saved_models.copy(there, target)
            baseline.set_int_custom_property(VERSION, chosen.version)
