"""The `lyrics` command. TensorFlow is imported by the commands that need it, when they run."""

from typing import Any

import click
import cloup

from modules.checks import options_of
from modules.errors import LyricsError
from pipeline.commands import ask
from pipeline.commands.bptt import bptt
from pipeline.commands.clean import clean
from pipeline.commands.command_line import spell
from pipeline.commands.models import models
from pipeline.commands.on_kubeflow import kubeflow
from pipeline.commands.protoset import protoset
from pipeline.commands.run import run
from pipeline.commands.serve import serve
from pipeline.config import OPTIONS
from pipeline.console import output
from pipeline.kubeflow.options import ClusterOptions, KfpOptions
from pipeline.root.server import MetadataOptions
from serving.server.flags import ServerOptions

_COMMANDS = (run, serve, ask.generate, ask.score, ask.fill, ask.next_, models, clean, kubeflow)
_FURTHER = (bptt, protoset)
_OPTIONS = [
    option
    for options in (MetadataOptions, ServerOptions, ClusterOptions, KfpOptions)
    for option in options_of(options)
]
_WIDTH = cloup.HelpFormatter.settings(max_width=80)


class _Group(cloup.Group):
    """Tells the user's mistakes, which get one line, from bugs, which keep their traceback."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """See base class."""
        output.prepare()
        with output.guarded():  # help and the version
            return super().main(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """See base class."""
        try:
            with output.guarded():
                return super().invoke(context)
        except LyricsError as error:
            raise click.ClickException(error.said(spell([*OPTIONS, *_OPTIONS]))) from error


@cloup.group(cls=_Group, context_settings={"formatter_settings": _WIDTH})
@cloup.version_option(package_name="tfx-lyrics")
def main() -> None:
    """From a zip of lyrics to a served language model."""


for command in (*_COMMANDS, *_FURTHER):
    main.add_command(command)
