"""What a container of the compiled pipeline runs: one TFX executor, as a step of KFP.

    python -m pipeline.kubeflow.entrypoint --executor_class_path components.… \
        --json_serialized_invocation_args '{{$}}' --json_serialized_inputs_spec_args '{…}'

It takes the arguments of TFX's own entrypoint, and does its work around that one's.

KFP runs no drivers of TFX. Ours tell TFX's cache of the world outside, and what they find their
executors find without them: which span is the newest, which version to compare with, whether a
model was pushed already.
"""

import argparse
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from modules.errors import LyricsError
from pipeline.beam_workers import prepare
from pipeline.commands.command_line import spell
from pipeline.config import OPTIONS
from pipeline.kubeflow import executor_input
from pipeline.kubeflow.mounts import Mounts

COMMAND = ("python", "-m", "pipeline.kubeflow.entrypoint")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the step; a failure that its user can mend ends it in one line."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", default="{}")
    parser.add_argument("--stage", help="the node's id, where the run may have parameters")
    parser.add_argument("--options", help="all options as they were compiled, as JSON")
    parser.add_argument("--mounts", default="/", help="where the launcher's folders are")
    step, beam_arguments = parser.parse_known_args(arguments)
    logging.basicConfig(level=logging.INFO)
    try:
        _run(step, beam_arguments)
    except LyricsError as error:
        raise SystemExit(f"Error: {error.said(spell(OPTIONS))}") from error


def _run(step: argparse.Namespace, beam_arguments: list[str]) -> None:
    given = json.loads(step.json_serialized_invocation_args)
    mounts = Mounts(step.mounts)
    inputs_spec = json.loads(step.json_serialized_inputs_spec_args)
    local = executor_input.localised(given, inputs_spec, mounts)
    for path in executor_input.output_paths(local):
        os.makedirs(path, exist_ok=True)
    if step.stage:
        from pipeline.kubeflow.parameters import take_up

        inputs = local["inputs"]
        values = inputs.get("parameterValues", {})
        inputs["parameterValues"] = take_up(values, step.stage, step.options)
    step.json_serialized_invocation_args = json.dumps(local)
    prepare(beam_arguments)

    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    from pipeline.kubeflow import page

    kubeflow_v2_run_executor.main((step, beam_arguments))
    output_file = Path(local["outputs"]["outputFile"])
    answer = json.loads(output_file.read_text())
    page.write(answer, executor_input.kfps_own(given, mounts))
    output_file.write_text(json.dumps(executor_input.globalised(answer, given, mounts)))


if __name__ == "__main__":
    main()
