"""`lyrics kubeflow`: the same pipeline, compiled for a cluster."""

from typing import Any

import click
import cloup

from modules.corpus.addresses import is_address
from modules.errors import ConfigError
from pipeline.commands.command_line import verbose_option
from pipeline.commands.pipeline_options import make_config, pipeline_options
from pipeline.console import messages, progress, terminal


@cloup.group()
def kubeflow() -> None:
    """Run the same pipeline on Kubeflow."""


@kubeflow.command(name="compile")
@pipeline_options
@cloup.option("--image", default="tfx-lyrics:latest", show_default=True, help="Container image.")
@cloup.option(
    "-o",
    "--output",
    metavar="FILE",
    default="lyrics.yaml",
    show_default=True,
    help="File to write.",
)
@verbose_option
def compile_(options: dict[str, Any], image: str, output: str, verbose: bool) -> None:
    """Compile the pipeline to a KFP v2 PipelineSpec.

    Here --data and --root are paths as the containers see them, such as gs://bucket/lyrics;
    the bundled corpus is in the image.
    """
    config = make_config(**{"data": "data/lyrics.zip", **options})
    messages.set_up_logging(verbose)
    if is_address(config.root) and not config.root.startswith("gs://"):
        raise ConfigError(
            "{root} is no place that a step writes to: TensorFlow, which writes models and "
            "checkpoints, knows gs:// alone; give that, or a directory that the containers share, "
            "and where the pipeline is submitted the root of its artifacts",
            {"root": config.root},
        )
    if not is_address(config.root) and not config.root.startswith("/"):
        terminal.stderr.print(
            f"--root {config.root} is a directory in each container, of its own: before you run "
            "the pipeline, compile it with one that they share"
        )
    with progress.working("importing TFX"):
        from pipeline.kubeflow import compile_pipeline

    compile_pipeline(config, image, output)
    click.echo(output)
