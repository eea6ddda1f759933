"""One stage of the pipeline in a process of its own, so that its peak of memory is its own.

A process runs the pipeline up to its stage; what comes before is cached. Processes are forked from
one that has imported TFX, and are watched from outside. Linux tells of each the most that it has
held ("VmHWM"); of the processes that Beam starts, as a cluster would start workers, too.
"""

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it brings in TensorFlow
    from tfx.v1.components import FnArgs

    from pipeline.config import PipelineConfig

PRELOADED = ["tfx.components", "pipeline.graph", "pipeline.metadata", "modules.trainer"]
_WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class Stage:
    """What a stage takes.

    Attributes:
        name: of the component.
        seconds: from when it is begun to when its outputs are registered.
        cpu: seconds of processors that its process took meanwhile, which other work on the
            machine does not lengthen.
        peak: bytes that its process has held at most.
        worker: bytes that one of Beam's processes has held at most; 0 if there was none.
    """

    name: str
    seconds: float
    cpu: float
    peak: int
    worker: int


def run_stage(name: str, options: dict[str, Any], model: str) -> Stage:
    """Runs one stage of a pipeline whose stages before it have run, on what these have put out.

    Args:
        name: of the stage.
        options: of the pipeline, over those of the preset `smoke`.
        model: a directory with a SavedModel, which is taken where one would be trained.
    """
    (seconds, cpu, peak), worker = _forked(_run_stage, name, options, model)
    return Stage(name, seconds, cpu, peak, worker)


def stage_names(options: dict[str, Any]) -> list[str]:
    """Of the stages of a pipeline, in order."""
    return _forked(_names, options)[0]


def train(options: dict[str, Any]) -> str:
    """Runs a whole pipeline; returns the directory of its SavedModel."""
    return _forked(_train, options)[0]


def _forked(function: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """What a function returns in another process, and the most that one begun by it has held."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, function, *arguments))
    process.start()
    theirs.close()
    assert process.pid  # it has started
    worker = 0
    while not ours.poll(_WATCH_SECONDS):
        worker = max([worker, *map(_most_held, _descendants(process.pid))])
    try:
        answer = ours.recv()
    except EOFError as error:
        what = f"{function.__name__}{arguments}"
        raise RuntimeError(f"{what} has failed: see its traceback above") from error
    process.join()
    return answer, worker


def _answer(answer: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    from pipeline.console import messages

    messages.set_up_logging(verbose=False)
    answer.send(function(*arguments))


def _config(options: dict[str, Any]) -> "PipelineConfig":
    from pipeline.config import PRESETS

    return PRESETS["smoke"].override(options).here()


def _names(options: dict[str, Any]) -> list[str]:
    from pipeline.graph import create_pipeline

    return [component.id for component in create_pipeline(_config(options)).components]


def _train(options: dict[str, Any]) -> str:
    from tfx.utils import path_utils

    from pipeline import local
    from pipeline.metadata import Run

    config = _config(options)
    local.run(config)
    return path_utils.serving_model_path(Run(config).output("Trainer", "model").uri)


def _run_stage(stage: str, options: dict[str, Any], model: str) -> tuple[float, float, int]:
    """Its seconds, those of processors, and the bytes that this process has held at most."""
    from tfx import v1 as tfx
    from tfx.orchestration.pipeline import RunOptions

    from modules.training.halves import divide_processors
    from pipeline.beam_workers import prepare
    from pipeline.graph import create_pipeline
    from pipeline.metadata import Run
    from pipeline.root import store

    divide_processors()
    sys.dont_write_bytecode = True  # see pipeline.local
    config = _config(options)
    os.makedirs(config.root, exist_ok=True)
    pipeline = create_pipeline(config)
    prepare(pipeline.beam_pipeline_args)
    trainer = next(each for each in pipeline.components if each.id == "Trainer")
    trainer.exec_properties.update(
        run_fn=f"{__name__}.{take.__name__}", custom_config=json.dumps({"model": model})
    )
    pipeline.metadata_connection_config = store.connection(config.root)
    only = RunOptions(from_nodes=[stage], to_nodes=[stage])
    start = time.process_time()
    tfx.orchestration.LocalDagRunner().run(pipeline, run_options=only)
    (seconds,) = [each.seconds for each in Run(config).stages if each.name == stage]
    return seconds, time.process_time() - start, _most_held(os.getpid())


def take(fn_args: "FnArgs") -> None:
    """In place of `modules.trainer.run_fn`: nothing is trained."""
    model = fn_args.custom_config["model"]
    shutil.copytree(model, fn_args.serving_model_dir, dirs_exist_ok=True)


def _descendants(process: int) -> Iterator[int]:
    """The processes that one has begun, and those that these have."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


def _most_held(process: int) -> int:
    """Bytes; 0 of a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
