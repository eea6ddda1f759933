"""Run parameters: options that KFP's form shows, so that one compiled file serves many runs.

A stage that depends on such an option has it as an input: in the place of an execution property
that is the option's value, or as one more. What it is told by that replaces what was compiled: the
stage builds the same pipeline with it, and takes its own execution properties from there. So an
option means on Kubeflow what it means here, and is checked as it is here.
"""

import json
from collections.abc import Sequence
from typing import Any

from tfx import v1 as tfx

from modules.checks import Option
from pipeline.config import OPTIONS, PipelineConfig
from pipeline.graph import create_pipeline

# The others are compiled in: what changes the graph, such as `--tune`, has to be.
NAMES = (
    *("data", "root", "push_to"),
    *("cell", "num_epochs", "learning_rate", "seed", "max_perplexity"),
)
_KINDS = {str: "STRING", int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE", bool: "BOOLEAN"}

Json = dict[str, Any]


def offer(spec: Json, pipeline: tfx.dsl.Pipeline, config: PipelineConfig) -> None:
    """Writes the parameters into a PipelineSpec, for the whole and for each stage they reach."""
    root, before = spec["root"], _properties(pipeline)
    reached: set[str] = set()
    for option in (option for option in OPTIONS if option.name in NAMES):
        default = config.option(option.name)
        kind = {"parameterType": _KINDS[option.kind]}
        said = {"defaultValue": default, "description": option.help, "isOptional": True}
        _parameters(root)[option.name] = kind | said
        other = _another(option, default)
        after = _properties(create_pipeline(config.override({option.name: other})))
        for stage in (stage for stage in before if before[stage] != after[stage]):
            inputs = root["dag"]["tasks"][stage]["inputs"].setdefault("parameters", {})
            source = {"componentInputParameter": option.name}
            if same := _properties_that_are(default, other, before[stage], after[stage]):
                inputs |= dict.fromkeys(same, source)
                continue
            _parameters(spec["components"][stage])[option.name] = kind
            inputs[option.name] = source
            reached.add(stage)
    compiled = json.dumps(config.options(), sort_keys=True)
    for stage in reached:
        executor = spec["deploymentSpec"]["executors"][spec["components"][stage]["executorLabel"]]
        executor["container"]["args"] += ["--stage", stage, "--options", compiled]


def _properties_that_are(value: Any, other: Any, before: Json, after: Json) -> list[str]:
    """The properties that changed with an option, if each is the option's value and no more.

    Such a stage is told the value and none of the other options, which KFP's cache would look at.
    """
    changed = [name for name in before if before[name] != after[name]]
    return changed if all((before[n], after[n]) == (value, other) for n in changed) else []


def take_up(values: Json, stage: str, compiled: str) -> Json:
    """The execution properties of a stage, given the values of its parameters.

    Args:
        values: of parameters and execution properties, by name.
        stage: the node's id.
        compiled: all options as they were compiled, as JSON.

    Raises:
        ConfigError: if the value of a parameter makes no sense.
    """
    kinds = {option.name: option.kind for option in OPTIONS}
    given = {name: kinds[name](values[name]) for name in NAMES if name in values}
    if not given:
        return values
    options = {name: _hashable(value) for name, value in json.loads(compiled).items()}
    pipeline = create_pipeline(PipelineConfig().override(options | given))
    told = {name: value for name, value in values.items() if name not in NAMES}
    return told | _properties(pipeline)[stage]


def _parameters(component: Json) -> Json:
    return component.setdefault("inputDefinitions", {}).setdefault("parameters", {})


def _properties(pipeline: tfx.dsl.Pipeline) -> dict[str, Json]:
    """The execution properties of each node that are set."""
    return {
        node.id: {name: value for name, value in node.exec_properties.items() if value is not None}
        for node in pipeline.components
    }


def _another(option: Option, value: Any) -> Any:
    """Some other value than this one, by which to see what depends on it."""
    if option.choices:
        return next(choice for choice in option.choices if choice != value)
    if option.kind is str:
        return f"{value}2"
    return value + 1 if value + 1 <= option.high else value - 1


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
