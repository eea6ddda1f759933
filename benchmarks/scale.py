"""How time and memory of the stages grow with the corpus: `make bench-scale`."""

import dataclasses
import itertools
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import scale_corpus, scale_report, scale_stage
from benchmarks.corpora import CORPORA, SONGCI
from benchmarks.goal import as_json
from benchmarks.scale_corpus import Texts
from benchmarks.scale_results import Results, Size, Text
from modules.ngrams.counts import Stretch, count
from modules.training.precision import cpu_info
from pipeline.console import charts, progress, terminal
from pipeline.local import OnStage

_BASE = 1 / 32  # of the corpus: the least one that has songs to hold out
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)  # of the corpus as it is
_ORDER = 5  # of n-grams, as the pipeline's by default
_MODEL: dict[str, Any] = {
    "max_characters": 60_000,
    "max_vocab_size": 256,
    "num_hiddens": 8,
    "embedding_size": 8,
    "num_epochs": 1,
    "sample_every": 0,
}
# Beam's work in a process of its own, as on a cluster.
_ON_WORKERS = {"beam_option": ("direct_running_mode=multi_processing", "direct_num_workers=1")}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        sizes: of the corpora, in copies.
        worker_sizes: those of them that are run with workers, too.
        stages: how many of the pipeline's; all if None.
    """

    sizes: tuple[int, ...]
    worker_sizes: tuple[int, ...]
    stages: int | None = None


_QUICK = Plan((1, 2), (1,), stages=1)
_copies = click.IntRange(min=1)


@click.command()
@click.option(
    "--size",
    type=_copies,
    multiple=True,
    default=(1, 2, 4, 8),
    show_default=True,
    help="How many times songci, from the least on.",
)
@click.option(
    "--worker-size",
    type=_copies,
    multiple=True,
    default=(1, 2, 4),
    show_default=True,
    help="Those that are run with workers, too.",
)
@click.option("--quick", is_flag=True, help="Only whether it works: one stage on a few songs.")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw them there, as PNG.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write them there too.")
def main(
    size: tuple[int, ...],
    worker_size: tuple[int, ...],
    quick: bool,
    plot: str | None,
    json_file: str | None,
) -> None:
    """Run every stage but the training on growing corpora, and print what it takes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # of all the processes
    corpus = CORPORA["bundled"] if quick else SONGCI
    if not corpus.is_file():
        terminal.stderr.print(
            f"nothing is measured: there is no {corpus.name}, not a part of this project"
        )
        return
    plan = _QUICK if quick else Plan(size, tuple(each for each in worker_size if each in size))
    with tempfile.TemporaryDirectory() as directory, progress.progress() as on_stage:
        results = measure(plan, scale_corpus.read(corpus), Path(directory), on_stage)
    scale_report.print_results(results)
    if plot:
        charts.save(scale_report.draw(results), plot)
    if json_file:
        Path(json_file).write_text(json.dumps(_as_json(results), indent=2) + "\n", "utf-8")


def measure(plan: Plan, texts: Texts, directory: Path, on_stage: OnStage) -> Results:
    """Runs all stages on all corpora, telling what it is at."""
    texts_of = [_text(texts, share) for share in _SHARES]
    archives = {copies: directory / f"{copies:g}.zip" for copies in (_BASE, *plan.sizes)}
    characters = {
        copies: scale_corpus.write(texts, copies, archive) for copies, archive in archives.items()
    }
    options = {"data": str(archives[_BASE]), "root": str(directory / "model")}
    names = scale_stage.stage_names(options)[: plan.stages]
    model = scale_stage.train(options | _MODEL) if "Trainer" in names else ""
    with_workers = [_BASE, *plan.worker_sizes] if plan.worker_sizes else []
    done = itertools.count()
    total = (len(archives) + len(with_workers)) * len(names)

    def stages_on(copies: float, **options: Any) -> dict[str, scale_stage.Stage]:
        options["data"] = str(archives[copies])
        with tempfile.TemporaryDirectory(dir=directory) as root:
            stages = {}
            for name in names:
                on_stage(f"{copies:g} times, {name}", next(done), total)
                stages[name] = scale_stage.run_stage(name, options | {"root": root}, model)
            return stages

    sizes = [
        Size(
            copies,
            characters[copies],
            stages_on(copies),
            stages_on(copies, **_ON_WORKERS) if copies in with_workers else {},
        )
        for copies in archives
    ]
    return Results(sizes[0], sizes[1:], texts_of, cpu_info("model name"))


def _text(texts: Texts, share: float) -> Text:
    """What there is in a share of the documents, taken from all over the corpus."""
    chosen = list(texts.values())[:: round(1 / share)]
    documents = [np.frombuffer(text.encode("utf-32-le"), np.uint32) for text in chosen]
    vocabulary, ids = np.unique(np.concatenate(documents), return_inverse=True)
    stops = np.cumsum([len(document) for document in documents])[:-1]
    stretches = [Stretch(document, 0) for document in np.split(ids, stops)]
    ngrams = count(stretches, len(vocabulary), line_end=0, order=_ORDER)
    return Text(len(ids), len(vocabulary), ngrams.size)


def _as_json(results: Results) -> dict[str, Any]:
    exponents = {
        kind: {
            name: None if math.isnan(value) else value
            for name, value in results.exponents(kind).items()
        }
        for kind in scale_report.KINDS
    }
    return dataclasses.asdict(results) | {"exponents": exponents, "goals": as_json(results.goals)}


if __name__ == "__main__":
    main()
