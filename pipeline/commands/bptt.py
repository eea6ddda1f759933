"""`lyrics bptt`: how far back a network learns, measured and drawn."""

from typing import Any

import click
import cloup

from pipeline.commands.command_line import json_option, verbose_option
from pipeline.console import gradients, machines, messages, progress


@cloup.command()
@cloup.option(
    "--gain",
    "gains",
    type=click.FloatRange(0.01, 10),
    multiple=True,
    default=(0.5, 1.0, 1.5),
    show_default=True,
    help="Spectral radius of the recurrent weights; may be given more than once.",
)
@cloup.option(
    "--num-steps",
    type=click.IntRange(2, 1_000),
    default=64,
    show_default=True,
    help="Characters read before the loss.",
)
@cloup.option(
    "--num-hiddens",
    type=click.IntRange(1, 4_096),
    default=64,
    show_default=True,
    help="Units of each network.",
)
@cloup.option(
    "--clip-norm",
    type=click.FloatRange(1e-9),
    default=1.0,
    show_default=True,
    help="Largest global norm of the gradients, where they are clipped.",
)
@cloup.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the weights and the characters.",
)
@cloup.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE",
    default="bptt.png",
    show_default=True,
    help="PNG to write.",
)
@json_option
@verbose_option
def bptt(output: str, as_json: bool, verbose: bool, **options: Any) -> None:
    """Measure and draw how gradients vanish or explode on their way back through time.

    Untrained networks of each kind read characters drawn at random; the loss is that of the last
    character alone, and its gradient is measured at every step before it.
    """
    messages.set_up_logging(verbose)
    with progress.working("importing TensorFlow"):
        from modules.network import gradient_flow
        from pipeline.console import charts
    with progress.working("going back through time"):
        survey = gradient_flow.survey(**options)
        charts.save(charts.gradient_flow(survey), output)
    if as_json:
        machines.print_json(survey)
    else:
        gradients.print_survey(survey)
        click.echo(f"Drawn in {output}")
