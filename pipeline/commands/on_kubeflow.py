"""`lyrics kubeflow`: the same pipeline, compiled for a cluster and run there."""

import os
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import click
import cloup

from modules.checks import options_of
from pipeline.commands.command_line import all_of, flags, json_option, verbose_option
from pipeline.commands.pipeline_options import check_beam, make_config, pipeline_options
from pipeline.console import machines, messages, progress, terminal
from pipeline.kubeflow.options import ClusterOptions, KfpOptions

_CLUSTER, _KFP = options_of(ClusterOptions), options_of(KfpOptions)


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
    _compile(options, cluster, output)
    click.echo(output)


def _remote(command: Callable) -> Callable:
    """The options of what compiles the pipeline and hands it to Kubeflow."""
    return all_of([pipeline_options, flags(_CLUSTER, {}), flags(_KFP, {})])(command)


@kubeflow.command()
@_remote
@cloup.option(
    "--wait", is_flag=True, help="Follow the run to its end; what is not a success is status 1."
)
@json_option
@verbose_option
def submit(
    options: dict[str, Any], wait: bool, as_json: bool, verbose: bool, **values: Any
) -> None:
    """Compile the pipeline and run it once on Kubeflow Pipelines.

    Prints the run's link and, with --wait, what became of each stage. The model's figures are in
    its artifacts, which only the cluster reads: look at the link.
    """
    messages.set_up_logging(verbose)
    kfp, cluster = _divided(values)
    with TemporaryDirectory() as folder:
        file = os.path.join(folder, "lyrics.yaml")
        stages = _compile(options, cluster, file)
        from pipeline.console.stages import print_outcome
        from pipeline.kubeflow.client import SUCCEEDED, Kubeflow

        server = Kubeflow(kfp)
        run = server.submit(file)
    link = server.link("runs", run)
    if not wait:
        machines.print_json({"run": run, "link": link}) if as_json else click.echo(link)
        return
    if not as_json:
        click.echo(link)
    with progress.progress() as on_stage:
        outcome = server.follow(run, stages, on_stage)
    if as_json:
        machines.print_json({"run": run, "link": link, "outcome": outcome})
    else:
        print_outcome(outcome)
    if outcome.state != SUCCEEDED:
        raise click.ClickException(
            f"the run {outcome.state.lower()} ({outcome.error or 'Kubeflow does not say why'}): "
            f"its stages' logs are at {link}"
        )


@kubeflow.command()
@_remote
@cloup.option(
    "--cron",
    default="0 0 3 * * *",
    show_default="0 0 3 * * *, each night at three",
    metavar="TIMES",
    help="When: second, minute, hour, day of month, month, day of week.",
)
@json_option
@verbose_option
def schedule(
    options: dict[str, Any], cron: str, as_json: bool, verbose: bool, **values: Any
) -> None:
    """Compile the pipeline and have Kubeflow Pipelines run it again and again.

    A time that comes while a run goes on is left out. Prints the schedule's link.
    """
    messages.set_up_logging(verbose)
    kfp, cluster = _divided(values)
    if len(cron.split()) != 6:
        raise click.UsageError(f"--cron {cron!r} has not six fields: give such as '0 0 3 * * *'")
    with TemporaryDirectory() as folder:
        file = os.path.join(folder, "lyrics.yaml")
        _compile(options, cluster, file)
        from pipeline.kubeflow.client import Kubeflow

        server = Kubeflow(kfp)
        identity = server.schedule(file, cron)
    link = server.link("recurringrun", identity)
    machines.print_json({"schedule": identity, "link": link}) if as_json else click.echo(link)


def _divided(values: dict[str, Any]) -> tuple[KfpOptions, dict[str, Any]]:
    """Whom to ask, checked before anything is done; and how the containers run."""
    kfp = {option.name: values.pop(option.name) for option in _KFP}
    return KfpOptions(**kfp), values


def _compile(options: dict[str, Any], cluster: dict[str, Any], output: str) -> list[str]:
    """Writes what these options make of the pipeline; returns the names of its stages."""
    containers = ClusterOptions(**cluster)
    config = make_config(**{"data": "data/lyrics.zip", **options})
    for said in containers.warnings(config.root, config.push_to):
        terminal.stderr.print(terminal.literal(said), soft_wrap=True)
    check_beam(config)
    with progress.working("importing TFX"):
        from pipeline.kubeflow.compiling import compile_pipeline

    return compile_pipeline(config, containers, output)
