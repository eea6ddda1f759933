"""The work of Evaluator."""

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import executor as tfx_evaluator
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.baseline_model.executor import PASSED_OVER
from components.evaluator.reason import describe
from components.executors import Artifacts, Properties

REASON_PROPERTY = "reason"


class Executor(tfx_evaluator.Executor):
    """Evaluates, decides, and writes down why."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties
    ) -> None:
        """See base class."""
        baseline = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY)
        if baseline and not fileio.exists(path_utils.serving_model_path(baseline[0].uri)):
            input_dict = dict(input_dict)
            del input_dict[standard_component_specs.BASELINE_MODEL_KEY]
        passed_over = baseline[0].get_string_custom_property(PASSED_OVER) if baseline else ""
        super().Do(input_dict, output_dict, exec_properties)
        evaluation = artifact_utils.get_single_uri(
            output_dict[standard_component_specs.EVALUATION_KEY]
        )
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        verdict = describe(tfma.load_validation_result(evaluation))
        reason = "; ".join(filter(None, (verdict, passed_over)))
        blessing.set_string_custom_property(REASON_PROPERTY, reason)
