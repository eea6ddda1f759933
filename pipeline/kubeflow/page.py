"""What KFP's page draws of a run: the Evaluator's figures, and why the model passed or did not.

They are artifacts of KFP's own types, which TFX does not know: the compiled file adds them to the
Evaluator's outputs, and its step writes them when TFX has ended.
"""

import math
from pathlib import Path
from typing import Any

from components.evaluator.executor import REASON_PROPERTY
from modules.evaluation.figures import FIGURES
from pipeline.metadata import split_figures

STAGE = "Evaluator"
METRICS, SUMMARY = "metrics", "summary"
_TYPES = {METRICS: "system.Metrics", SUMMARY: "system.Markdown"}

Json = dict[str, Any]
Splits = dict[str, dict[str, float]]


def offer(spec: Json) -> None:
    """Adds the artifacts to the Evaluator's outputs in a PipelineSpec."""
    outputs = spec["components"][STAGE]["outputDefinitions"]["artifacts"]
    for name, title in _TYPES.items():
        outputs[name] = {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}}


def write(answer: Json, places: dict[str, str]) -> None:
    """Writes the artifacts, and into an ExecutorOutput what is to be registered of them.

    Args:
        answer: what TFX wrote, with paths for URIs; of another stage it stays as it is.
        places: by name, the path of each output of KFP's own types.
    """
    if not places.keys() >= _TYPES.keys():
        return
    artifacts = answer["artifacts"]
    splits = split_figures(artifacts["evaluation"]["artifacts"][0]["uri"])
    blessing = artifacts["blessing"]["artifacts"][0]["metadata"]
    _register(artifacts, METRICS, places, metrics(splits))
    Path(places[SUMMARY]).write_text(markdown(splits, blessing), encoding="utf-8")
    _register(artifacts, SUMMARY, places, {})


def metrics(splits: Splits) -> Json:
    """The figures by split and name; KFP shows numbers alone, so what is none is left out."""
    return {
        f"{split} {name}": value
        for split, figures in splits.items()
        for name, value in figures.items()
        if math.isfinite(value)
    }


def markdown(splits: Splits, blessing: Json) -> str:
    """The gate's verdict with its reason, and a table with a column for each split."""
    verdict = "passed" if blessing["blessed"] else "did not pass"
    lines = [
        f"The model **{verdict}** the gate: {blessing[REASON_PROPERTY]}.",
        "",
        f"| perplexity, lower is better | {' | '.join(splits)} |",
        f"|---|{'---:|' * len(splits)}",
    ]
    for name, figure in FIGURES.items():
        values = [figures.get(name) for figures in splits.values()]
        if any(value is not None for value in values):
            cells = ["" if value is None else figure.form.format(value) for value in values]
            lines.append(f"| {figure.label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _register(artifacts: Json, name: str, places: dict[str, str], metadata: Json) -> None:
    said = {"name": name, "uri": places[name], "metadata": metadata}
    artifacts[name] = {"artifacts": [said]}
