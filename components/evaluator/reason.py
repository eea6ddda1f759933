"""Says in words why a model was blessed or not."""

import math

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationFailure

from modules.evaluation.figures import FIGURES


def describe(result: tfma.ValidationResult) -> str:
    """One line: every threshold that failed, or that all of them hold."""
    if result.validation_ok:
        return "every threshold holds"
    failures = []
    for validation in result.metric_validations_per_slice:
        keys = validation.slice_key.single_slice_keys
        where = "".join(f"{key.column} '{key.bytes_value.decode()}': " for key in keys)
        failures += [where + _describe_failure(failure) for failure in validation.failures]
    for missing in result.missing_slices:
        values = ", ".join(f"{key} '{value}'" for key, value in missing.feature_values.items())
        failures.append(f"no character of {values} was scored")
    return "; ".join(dict.fromkeys(failures)) or "the thresholds were not checked"


def _describe_failure(failure: ValidationFailure) -> str:
    name, value = failure.metric_key.name, failure.metric_value.double_value.value
    bounds = failure.metric_threshold.value_threshold
    if not failure.HasField("metric_value"):
        return f"{name} was not measured"
    if failure.metric_threshold.HasField("change_threshold"):
        if math.isnan(value):
            return f"{name} cannot be compared with the baseline model's: one is not a number"
        return f"{name} is {value:.6g} above the baseline model's"
    rivals = {figure.ratio: figure.label for figure in FIGURES.values() if figure.ratio}
    if name in rivals:
        if math.isnan(value):
            return f"perplexity cannot be compared with the {rivals[name]} model's"
        return f"perplexity is {value:.6g} times the {rivals[name]} model's, not below it"
    low, high = bounds.lower_bound.value, bounds.upper_bound.value
    return f"{name} is {value:.6g}, not from {low:.6g} to {high:.6g}"
