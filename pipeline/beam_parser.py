"""Has Beam read its options before anything runs.

Not public in Beam 2.65: its parser of options, whose own way with a name that it does not know is
to drop it.
"""

from typing import NoReturn

from apache_beam.options import pipeline_options, pipeline_options_validator
from apache_beam.runners.runner import create_runner

from modules.errors import ConfigError
from pipeline.beam import RUNNERS, BeamOptions


class _Parser(pipeline_options._BeamArgumentParser):
    """Beam's own, which raises ValueError instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def check(options: BeamOptions) -> None:
    """Refuses what Beam would pass over, or end in a traceback for.

    Raises:
        ConfigError: if Beam knows no such option, or cannot read its value, or lacks another.
    """
    parser = _Parser(allow_abbrev=False)
    for part in pipeline_options.PipelineOptions.__subclasses__():
        part._add_argparse_args(parser)
    arguments = options.arguments("")
    try:
        _, unknown = parser.parse_known_args(arguments)
    except ValueError as error:
        raise _refused(options, error) from error
    if unknown:
        raise _refused(options, f"Beam knows no {', '.join(unknown)}")
    validator = pipeline_options_validator.PipelineOptionsValidator(
        pipeline_options.PipelineOptions(arguments), create_runner(RUNNERS[options.beam_runner])
    )
    if errors := validator.validate():
        raise _refused(options, " ".join(errors))


def _refused(options: BeamOptions, reason: object) -> ConfigError:
    return ConfigError(
        "{beam_option} cannot be: {reason}; give each as NAME=VALUE, in Beam's spelling, and what "
        "{beam_runner} needs",
        vars(options),
        reason=reason,
    )
