"""The pushed model in process, loaded as TF Serving and the local server load it."""

from pathlib import Path

from benchmarks.ask import call_of
from benchmarks.contestants import Run
from benchmarks.served_model import VERSIONS
from benchmarks.writing import Writing as Task
from serving.server.runtime.loaded_model import LoadedModel


def prepare(task: Task) -> Run:
    """Calls `generate`; see `benchmarks.contestants`."""
    model = LoadedModel(1, Path(task.model) / VERSIONS / "1")
    call = call_of(task)

    def run() -> None:
        for _ in range(task.repeats):
            model.predict(call.signature_name, call.inputs)

    return run
