"""The first task on Kubeflow, which is none of TFX's: it finds out what the corpus is now.

Here LyricsExampleGen's driver tells TFX's cache. KFP runs no drivers, and its cache keys on the
ids of artifacts and the values of parameters; so a task that is never cached puts the corpus's
fingerprint out as one. While it stays the same, LyricsExampleGen is cached, and so is what follows.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.lyrics_example_gen.source import FINGERPRINT, resolve
from modules.errors import LyricsError
from pipeline.commands.command_line import spell
from pipeline.config import OPTIONS
from pipeline.kubeflow.mounts import Mounts

STAGE, READER = "CorpusFingerprint", "LyricsExampleGen"
_DATA = "data"  # the parameter of the run
_STRING = {"parameterType": "STRING"}
_INPUTS_SPEC = "--json_serialized_inputs_spec_args"

Json = dict[str, Any]


def offer(spec: Json) -> None:
    """Adds the task to a PipelineSpec, and its output to what LyricsExampleGen is told."""
    executors, label = spec["deploymentSpec"]["executors"], f"{STAGE}_executor"
    reader, task = spec["components"][READER], spec["root"]["dag"]["tasks"][READER]
    container = executors[reader["executorLabel"]]["container"]
    executors[label] = {
        "container": {
            "image": container["image"],
            "command": ["python", "-m", "pipeline.kubeflow.corpus"],
            "args": ["{{$}}"],
        }
    }
    spec["components"][STAGE] = {
        "executorLabel": label,
        "inputDefinitions": {"parameters": {_DATA: _STRING}},
        "outputDefinitions": {"parameters": {FINGERPRINT: _STRING}},
    }
    spec["root"]["dag"]["tasks"][STAGE] = {
        "taskInfo": {"name": STAGE},
        "componentRef": {"name": STAGE},
        "inputs": {"parameters": {_DATA: {"componentInputParameter": _DATA}}},
    }
    reader["inputDefinitions"]["parameters"][FINGERPRINT] = _STRING
    place = container["args"].index(_INPUTS_SPEC) + 1
    inputs_spec = json.loads(container["args"][place])
    inputs_spec["parameters"][FINGERPRINT] = _STRING
    container["args"][place] = json.dumps(inputs_spec)
    output = {"producerTask": STAGE, "outputParameterKey": FINGERPRINT}
    task["inputs"]["parameters"][FINGERPRINT] = {"taskOutputParameter": output}
    task["dependentTasks"] = [STAGE]


def main(arguments: Sequence[str] | None = None) -> None:
    """Does what the task is for: writes the fingerprint to where KFP's launcher looks for it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("executor_input", type=json.loads)
    parser.add_argument("--mounts", default="/", help="where the launcher's folders are")
    step = parser.parse_args(arguments)
    given = step.executor_input
    output = given["outputs"]["parameters"][FINGERPRINT]["outputFile"]
    path = Path(Mounts(step.mounts).under(output))
    try:
        fingerprint = resolve(given["inputs"]["parameterValues"][_DATA]).fingerprint
    except LyricsError as error:
        raise SystemExit(f"Error: {error.said(spell(OPTIONS))}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(fingerprint, encoding="utf-8")


if __name__ == "__main__":
    main()
