"""Where the stages that are written for Beam run: here, or on an engine that Beam knows.

Not public in Beam 2.65: its parser of options, whose own way with a name that it does not know is
to drop it.
"""

import os
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from modules.checks import Options, option
from modules.errors import ConfigError

_RUNNERS = {
    "direct": "DirectRunner",
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
# Options that say how this project comes to the workers.
_ENVIRONMENT = {"setup_file", "requirements_file", "extra_package", "sdk_container_image"}
_REQUIREMENTS = "no-requirements.txt"


@dataclass(frozen=True)
class BeamOptions(Options, group="Beam"):
    """Which engine runs the Beam stages, and how.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense. What Beam makes of its
            own options is for `check`.
    """

    beam_runner: Literal["direct", "portable", "flink", "spark", "dataflow"] = option(
        "direct", "Engine that the data's stages and the evaluation run on."
    )
    beam_option: tuple[str, ...] = option(
        (), "Option of Beam's or of its engine's, as Beam spells it.", metavar="NAME=VALUE"
    )
    beam_workers: int = option(
        1, "Processes of the direct runner; they pay for large corpora alone.", low=1, high=1024
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beam_workers > 1 and self.beam_runner != "direct":
            raise ConfigError(
                "{beam_workers} are those of the direct runner, got {beam_runner}: how many an "
                "engine has, its own options say, by {beam_option}",
                vars(self),
            )
        given = {entry.lstrip("-").partition("=")[0] for entry in self.beam_option}
        if self.beam_runner == "portable" and not given & {"job_endpoint", "prism_location"}:
            raise ConfigError(
                "{beam_runner} needs the address of its job server: give "
                "{beam_option:job_endpoint=HOST:PORT}",
                vars(self),
            )

    @property
    def is_default(self) -> bool:
        """Whether everything runs in this process."""
        return self == BeamOptions()

    def arguments(self, root: str) -> list[str]:
        """What Beam is told, as on its command lines; none if everything runs in this process.

        Args:
            root: of the pipeline, where `write_requirements` writes.
        """
        if self.is_default:
            return []
        arguments = [f"--runner={_RUNNERS[self.beam_runner]}"]
        if self.beam_workers > 1:
            arguments += [
                "--direct_running_mode=multi_processing",
                f"--direct_num_workers={self.beam_workers}",
            ]
        arguments += [f"--{entry.lstrip('-')}" for entry in self.beam_option]
        names = {argument[2:].partition("=")[0] for argument in arguments}
        if not names & _ENVIRONMENT:  # else TFX would pack itself up anew for each stage
            arguments.append(f"--requirements_file={os.path.join(root, _REQUIREMENTS)}")
        return arguments

    def write_requirements(self, root: str) -> None:
        """Writes the file that `arguments` names: what runs beside this process lacks nothing."""
        if not self.is_default:
            os.makedirs(root, exist_ok=True)
            with open(os.path.join(root, _REQUIREMENTS), "w", encoding="utf-8") as file:
                file.write("# Workers have this project and all that it needs.\n")


def check(options: BeamOptions) -> None:
    """Refuses what Beam would pass over, or end in a traceback for.

    Raises:
        ConfigError: if Beam knows no such option, or cannot read its value, or lacks another.
    """
    if options.is_default:
        return
    from apache_beam.options import pipeline_options, pipeline_options_validator
    from apache_beam.runners.runner import create_runner

    class Parser(pipeline_options._BeamArgumentParser):
        """Beam's own, which raises."""

        def error(self, message: str) -> NoReturn:
            raise _refused(options, message)

    parser = Parser(allow_abbrev=False)
    for part in pipeline_options.PipelineOptions.__subclasses__():
        part._add_argparse_args(parser)
    arguments = options.arguments("")
    _, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise _refused(options, f"Beam knows no {', '.join(unknown)}")
    validator = pipeline_options_validator.PipelineOptionsValidator(
        pipeline_options.PipelineOptions(arguments), create_runner(_RUNNERS[options.beam_runner])
    )
    if errors := validator.validate():
        raise _refused(options, " ".join(errors))


def _refused(options: BeamOptions, reason: Any) -> ConfigError:
    return ConfigError(
        "{beam_option} cannot be: {reason}; give each as NAME=VALUE, in Beam's spelling, and what "
        "{beam_runner} needs",
        vars(options),
        reason=reason,
    )
