"""Says in words why a model was blessed or not."""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationFailure


def describe(result: tfma.ValidationResult) -> str:
    """One line: every threshold that failed, or that all of them hold."""
    if result.validation_ok:
        return "every threshold holds"
    failures = [
        _describe_failure(failure)
        for validation in result.metric_validations_per_slice
        for failure in validation.failures
    ]
    for missing in result.missing_slices:
        values = ", ".join(f"{key} '{value}'" for key, value in missing.feature_values.items())
        failures.append(f"no character of {values} was scored")
    return "; ".join(dict.fromkeys(failures)) or "the thresholds were not checked"


def _describe_failure(failure: ValidationFailure) -> str:
    name = failure.metric_key.name
    if not failure.HasField("metric_value"):
        return f"{name} was not measured"
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        return f"{name} is {value:.4g} above the baseline model's"
    bounds = threshold.value_threshold
    low, high = bounds.lower_bound.value, bounds.upper_bound.value
    return f"{name} is {value:.4g}, not from {low:.4g} to {high:.4g}"
