"""`lyrics kubeflow`: the same pipeline, compiled for a cluster."""

from typing import Any

import click
import cloup

from modules.checks import options_of
from pipeline.commands.command_line import flags, verbose_option
from pipeline.commands.pipeline_options import make_config, pipeline_options
from pipeline.config import PipelineConfig
from pipeline.console import messages, progress, terminal
from pipeline.kubeflow.options import ClusterOptions

_CLUSTER = options_of(ClusterOptions)


@cloup.group()
def kubeflow() -> None:
    """Run the same pipeline on Kubeflow."""


@kubeflow.command(name="compile")
@pipeline_options
@flags(_CLUSTER, {})
@cloup.option(
    "-o",
    "--output",
    metavar="FILE",
    default="lyrics.yaml",
    show_default=True,
    help="File to write.",
)
@verbose_option
def compile_(options: dict[str, Any], output: str, verbose: bool, **cluster: Any) -> None:
    """Compile the pipeline to a KFP v2 PipelineSpec.

    Here --data and --root are paths as the containers see them, on a --claim or such as
    gs://bucket/lyrics; the bundled corpus is in the image.
    """
    messages.set_up_logging(verbose)
    _compile(options, ClusterOptions(**cluster), output)
    click.echo(output)


def _compile(options: dict[str, Any], cluster: ClusterOptions, output: str) -> PipelineConfig:
    """Writes what these options make of the pipeline; returns what it is to do."""
    config = make_config(**{"data": "data/lyrics.zip", **options})
    if said := cluster.place(config.root):
        terminal.stderr.print(terminal.literal(said), soft_wrap=True)
    with progress.working("importing TFX"):
        from pipeline.kubeflow.compiling import compile_pipeline

    compile_pipeline(config, cluster, output)
    return config
