"""`lyrics run`: the pipeline on this machine."""

import dataclasses
from typing import TYPE_CHECKING, Any

import cloup

from modules.contract import MODEL_NAME, blank_out
from modules.corpus import files, reader
from modules.hyperparameters import Task
from pipeline.commands.command_line import json_option, verbose_option
from pipeline.commands.pipeline_options import make_config, pipeline_options
from pipeline.config import PipelineConfig
from pipeline.console import machines, messages, progress, tables
from serving.server.flags import ServerOptions

if TYPE_CHECKING:
    from serving.client import LyricsClient

_PREFIX = "分开"
_TO_FILL_IN = "想要有□升机"


@cloup.command()
@pipeline_options
@cloup.option_group(
    "Where and how",
    cloup.option(
        "--prefix",
        metavar="TEXT",
        show_default=f"{_PREFIX}; with --task fill {_TO_FILL_IN}",
        help="The summary's lyric begins so, or is this, with a □ filled in.",
    ),
    json_option,
    verbose_option,
)
def run(options: dict[str, Any], as_json: bool, verbose: bool, prefix: str | None) -> None:
    """Run the pipeline here.

    What has not changed since an earlier run is cached; a run that was killed goes on.
    """
    config = make_config(**options)
    _check_data(config)  # in a moment; to import TFX takes many
    messages.set_up_logging(verbose, "components", "modules", "serving.client")
    with progress.working("importing TensorFlow and TFX"):
        from pipeline import local
        from pipeline.metadata import summarise
        from serving.client import LyricsClient
        from serving.server.server import ModelServer

    with progress.progress() as on_stage:
        local.run(config, on_stage)
    summary = summarise(config)
    if summary.pushed_to:
        with (
            progress.working("asking the pushed model"),
            ModelServer(
                ServerOptions(config.serving_dir, port=0, enable_model_warmup=False)
            ) as server,
            LyricsClient(server.target, MODEL_NAME, version=summary.version) as client,
        ):
            client.wait_until_ready()
            summary = dataclasses.replace(summary, **_example(client, summary.task, prefix))
    (machines.print_json if as_json else tables.print_summary)(summary)


def _check_data(config: PipelineConfig) -> None:
    """Finds what is wrong with the corpus at first sight, where it takes no TFX to find it."""
    if not any(sign in config.data for sign in ("://", "{")):
        reader.check(files.match(config.data), config.corpus)


def _example(client: "LyricsClient", task: Task, prefix: str | None) -> dict[str, Any]:
    """What the model of the task answers, by the summary's attribute that shows it."""
    if task == "fill":
        (filled,) = client.fill([blank_out(prefix or _TO_FILL_IN)])
        return {"filled": filled}
    (lyric,) = client.generate([prefix or _PREFIX], temperature=0.8, top_k=20)
    return {"lyric": lyric}
