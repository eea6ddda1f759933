"""The `lyrics` command. TensorFlow is imported by the commands that need it, when they run."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from modules.contract import MODEL_NAME, blank_out
from modules.errors import LyricsError
from modules.hyperparameters import Task
from pipeline.commands import ask
from pipeline.commands.models import models
from pipeline.commands.pipeline_options import json_option, make_config, pipeline_options
from pipeline.commands.server_options import server_options
from pipeline.console import printing
from pipeline.pushed import CONFIG_NAME, Place
from serving.server.flags import ServerOptions

if TYPE_CHECKING:
    from serving.client.blocking import LyricsClient

_PREFIX = "分开"
_TO_FILL_IN = "想要有□升机"


class _Group(click.Group):
    """Tells the user's mistakes, which get one line, from bugs, which keep their traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except LyricsError as error:
            raise click.ClickException(str(error)) from error


_verbose = click.option("--verbose", is_flag=True, help="Show the libraries' messages too.")
# The flags of tensorflow_model_server are spelled with underscores: both spellings will do.
_AS_TF_SERVING = {"token_normalize_func": lambda name: name.replace("_", "-")}


@click.group(cls=_Group, context_settings={"max_content_width": 100})
@click.version_option(package_name="tfx-lyrics")
def main() -> None:
    """From a zip of lyrics to a served language model."""


@main.command()
@pipeline_options
@json_option
@_verbose
@click.option(
    "--prefix",
    show_default=f"{_PREFIX}; with --task fill {_TO_FILL_IN}",
    help="The summary's lyric begins so, or is this, with a □ filled in.",
)
def run(as_json: bool, verbose: bool, prefix: str | None, **options: Any) -> None:
    """Run the pipeline here.

    What has not changed since an earlier run is cached; a run that was killed goes on.
    """
    config = make_config(**options)
    printing.set_up_logging(verbose, "components", "modules")
    with printing.working("importing TensorFlow and TFX"):
        from pipeline import local
        from pipeline.metadata import summarise
        from serving.client.blocking import LyricsClient
        from serving.server.server import ModelServer

    with printing.progress() as on_stage:
        local.run(config, on_stage)
    summary = summarise(config)
    if summary.pushed_to:
        with (
            printing.working("asking the pushed model"),
            ModelServer(
                ServerOptions(config.serving_dir, port=0, enable_model_warmup=False)
            ) as server,
            LyricsClient(server.target, MODEL_NAME, version=summary.version) as client,
        ):
            client.wait_until_ready()
            summary = dataclasses.replace(summary, **_example(client, summary.task, prefix))
    (printing.print_json if as_json else printing.print_summary)(summary)


def _example(client: "LyricsClient", task: Task, prefix: str | None) -> dict[str, Any]:
    """What the model of the task answers, by the summary's attribute that shows it."""
    if task == "fill":
        (filled,) = client.fill([blank_out(prefix or _TO_FILL_IN)])
        return {"filled": filled}
    (lyric,) = client.generate([prefix or _PREFIX], temperature=0.8, top_k=20)
    return {"lyric": lyric}


@main.command(context_settings=_AS_TF_SERVING)
@server_options
@_verbose
def serve(verbose: bool, **options: Any) -> None:
    """Serve the newest pushed version over gRPC, and REST, until stopped.

    Where `lyrics models` has promoted another, it is that one. Starts tensorflow_model_server
    where it is on the PATH, else a local server that speaks the same protocol.
    """
    from serving.server import launch

    printing.set_up_logging(verbose, "serving")
    base_path = Path(options["model_base_path"])
    place = Place(base_path, options["model_name"], base_path / CONFIG_NAME)
    if not options["model_config_file"] and place.is_promoted():
        click.echo(f"serving what was promoted: {place.model_config_file}", err=True)
        options["model_config_file"] = str(place.model_config_file)
        options["allow_version_labels_for_unavailable_models"] = True
    if options["model_config_file"]:
        options["model_base_path"] = ""
    launch.serve(ServerOptions(**options))


for command in (ask.generate, ask.score, ask.fill, ask.next_):
    main.add_command(command)


@main.command()
@click.option(
    "-o",
    "--output",
    type=click.File("wb", lazy=True),
    metavar="FILE",
    default="lyrics.protoset",
    show_default=True,
    help="File to write.",
)
def protoset(output: BinaryIO) -> None:
    """Describe what is served over gRPC in a file, for grpcurl and its like."""
    from serving.protocol.protoset import protoset

    output.write(protoset())
    click.echo(output.name)


@main.command()
@click.option(
    "--gain",
    "gains",
    type=click.FloatRange(0.01, 10),
    multiple=True,
    default=(0.5, 1.0, 1.5),
    show_default=True,
    help="Spectral radius of the recurrent weights; may be given more than once.",
)
@click.option(
    "--num-steps",
    type=click.IntRange(2, 1_000),
    default=64,
    show_default=True,
    help="Characters read before the loss.",
)
@click.option(
    "--num-hiddens",
    type=click.IntRange(1, 4_096),
    default=64,
    show_default=True,
    help="Units of each network.",
)
@click.option(
    "--clip-norm",
    type=click.FloatRange(1e-9),
    default=1.0,
    show_default=True,
    help="Largest global norm of the gradients, where they are clipped.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the weights and the characters.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE",
    default="bptt.png",
    show_default=True,
    help="PNG to write.",
)
@json_option
@_verbose
def bptt(output: str, as_json: bool, verbose: bool, **options: Any) -> None:
    """Measure and draw how gradients vanish or explode on their way back through time.

    Untrained networks of each kind read characters drawn at random; the loss is that of the last
    character alone, and its gradient is measured at every step before it.
    """
    printing.set_up_logging(verbose)
    with printing.working("importing TensorFlow"):
        from modules.network import gradient_flow
        from pipeline.console import charts
    with printing.working("going back through time"):
        survey = gradient_flow.survey(**options)
        charts.save(charts.gradient_flow(survey), output)
    if as_json:
        printing.print_json(survey)
    else:
        printing.print_survey(survey)
        click.echo(f"Drawn in {output}")


@main.group()
def kubeflow() -> None:
    """Run the same pipeline on Kubeflow."""


@kubeflow.command(name="compile")
@pipeline_options
@click.option("--image", default="tfx-lyrics:latest", show_default=True, help="Container image.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="lyrics.yaml",
    show_default=True,
    help="File to write.",
)
@_verbose
def compile_(image: str, output: str, verbose: bool, **options: Any) -> None:
    """Compile the pipeline to a KFP v2 PipelineSpec.

    Here --data and --root are paths as the containers see them, such as gs://bucket/lyrics;
    the bundled corpus is in the image.
    """
    config = make_config(**{**options, "data": options["data"] or "data/lyrics.zip"})
    printing.set_up_logging(verbose)
    if "://" not in config.root and not config.root.startswith("/"):
        printing.stderr.print(
            f"--root {config.root} is a directory in each container, of its own: before you run "
            "the pipeline, compile it with one that they share"
        )
    with printing.working("importing TFX"):
        from pipeline.kubeflow import compile_pipeline

    compile_pipeline(config, image, output)
    click.echo(output)


main.add_command(models)
