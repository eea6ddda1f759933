"""Where the stages that are written for Beam run: here, or on an engine that Beam knows."""

import os
import tempfile
from dataclasses import dataclass
from typing import Literal

from modules.checks import Options, option
from modules.corpus.addresses import is_address
from modules.errors import ConfigError

RUNNERS = {  # as Beam calls them
    "direct": "DirectRunner",
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
# Options that say how this project comes to the workers.
_ENVIRONMENT = {"setup_file", "requirements_file", "extra_package", "sdk_container_image"}
REQUIREMENTS_FILE, REQUIREMENTS = "--requirements_file=", "no-requirements.txt"


@dataclass(frozen=True)
class BeamOptions(Options, group="Beam"):
    """Which engine runs the Beam stages, and how.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense. What Beam makes of its
            own options is for `beam_parser`.
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
            root: of the pipeline, where `beam_workers.prepare` writes.
        """
        if self.is_default:
            return []
        arguments = [f"--runner={RUNNERS[self.beam_runner]}"]
        if self.beam_workers > 1:
            arguments += [
                "--direct_running_mode=multi_processing",
                f"--direct_num_workers={self.beam_workers}",
            ]
        arguments += [f"--{entry.lstrip('-')}" for entry in self.beam_option]
        names = {argument[2:].partition("=")[0] for argument in arguments}
        if not names & _ENVIRONMENT:  # else TFX would pack itself up anew for each stage
            folder = tempfile.gettempdir() if is_address(root) else root
            arguments.append(f"{REQUIREMENTS_FILE}{os.path.join(folder, REQUIREMENTS)}")
        return arguments
