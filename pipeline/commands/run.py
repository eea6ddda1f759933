"""`lyrics run`: the pipeline on this machine."""

import dataclasses
import os
from contextlib import closing
from tempfile import TemporaryDirectory
from typing import Any

import cloup

from modules.bucket import Bucket, is_bucket
from modules.checks import options_of
from modules.contract import MODEL_NAME, blank_out
from modules.corpus import reader
from modules.corpus.files import Files, match
from modules.errors import LyricsError
from modules.hyperparameters import Task
from pipeline.commands.command_line import flags, json_option, verbose_option
from pipeline.commands.pipeline_options import check_beam, make_config, pipeline_options
from pipeline.config import PipelineConfig
from pipeline.console import machines, messages, progress, tables
from pipeline.root import identity, room, unchanged
from pipeline.root.failures import explained
from pipeline.root.lock import held
from pipeline.root.server import MetadataOptions, Server, logged_in
from pipeline.summary import Summary
from serving.server.flags import ServerOptions

_PREFIX = "分开"
_TO_FILL_IN = "想要有□升机"


@cloup.command()
@pipeline_options
@flags(options_of(MetadataOptions), {})
@cloup.option_group(
    "Where and how",
    cloup.option(
        "--prefix",
        metavar="TEXT",
        show_default=f"{_PREFIX}; with --task fill {_TO_FILL_IN}",
        help="The summary's lyric begins so, or is this, with a □ filled in.",
    ),
    cloup.option(
        "--wait", is_flag=True, help="Wait until no other run works on --root, instead of ending."
    ),
    json_option,
    verbose_option,
)
def run(
    options: dict[str, Any],
    metadata: str | None,
    as_json: bool,
    verbose: bool,
    prefix: str | None,
    wait: bool,
) -> None:
    """Run the pipeline here.

    What has not changed since an earlier run is cached; a run that was killed goes on.
    """
    from modules.corpus.fetching import FILES  # and fsspec, which --help does not need

    config = make_config(**options)
    here = config.here()
    server = MetadataOptions(metadata).server()
    messages.set_up_logging(verbose, "components", "modules", "pipeline", "serving.client")
    identity.check(here.root, server)
    with closing(FILES), logged_in(server):
        _check_data(config, FILES)  # in a moment; to import TFX takes many
        check_beam(config)
        if is_bucket(config.serving_dir):
            Bucket(config.serving_dir).check()
        with held(here.root, wait):
            with explained(here.root):
                summary = unchanged.recall(here, prefix) or _run(here, server)
            try:
                if summary.pushed_to and not (summary.lyric or summary.filled):
                    with progress.working("asking the pushed model"):
                        answer = _answer(summary.pushed_to, summary.task, prefix)
                    summary = dataclasses.replace(summary, **answer)
            except (LyricsError, OSError) as error:
                summary = dataclasses.replace(summary, unanswered=str(error))
            finally:  # whatever became of the answer, the run is done
                (machines.print_json if as_json else tables.print_summary)(summary)
            unchanged.remember(here, prefix, summary)


def _check_data(config: PipelineConfig, files: Files) -> None:
    """Finds what is wrong with the corpus at first sight, where it takes no TFX to find it."""
    if "{" not in config.data:
        reader.check(match(config.data, files), config.corpus, files)


def _run(config: PipelineConfig, server: Server | None) -> Summary:
    """Runs the pipeline under a root that is held."""
    room.check(config)
    with progress.working("importing TensorFlow and TFX"):
        from pipeline import local
        from pipeline.metadata import summarise

    with progress.progress() as on_stage:
        local.run(config, on_stage, server)
    return summarise(config, server)


def _answer(pushed_to: str, task: Task, prefix: str | None) -> dict[str, Any]:
    """What the version answers that was pushed, by the summary's attribute that shows it."""
    from serving.client import LyricsClient
    from serving.server.server import ModelServer

    with TemporaryDirectory() as alone:  # no other version is served there
        version = os.path.join(alone, os.path.basename(pushed_to))
        if is_bucket(pushed_to):
            Bucket(os.path.dirname(pushed_to)).download(pushed_to, version)
        else:
            os.symlink(pushed_to, version)
        options = ServerOptions(alone, port=0, enable_model_warmup=False, max_num_load_retries=0)
        with (
            ModelServer(options) as server,
            LyricsClient(server.target, MODEL_NAME) as client,
        ):
            client.wait_until_ready()
            if task == "fill":
                (filled,) = client.fill([blank_out(prefix or _TO_FILL_IN)])
                return {"filled": filled}
            (lyric,) = client.generate([prefix or _PREFIX], temperature=0.8, top_k=20)
            return {"lyric": lyric}
