"""`lyrics protoset`: the services, described for grpcurl and its like."""

from typing import BinaryIO

import click
import cloup


@cloup.command()
@cloup.option(
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
