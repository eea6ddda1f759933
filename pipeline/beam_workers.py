"""What Beam's workers need before a pipeline runs.

Not public in Beam 2.65: `SubprocessSdkWorker` of its local job service, which hands the command of
a worker to a shell with Python's path as it is. Of a path with a space, say, no worker would start,
and the pipeline would wait for it for ever.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from functools import cache

from pipeline.beam import REQUIREMENTS, REQUIREMENTS_FILE


def prepare(arguments: Sequence[str]) -> None:
    """Does what the options ask for that `BeamOptions.arguments` made."""
    for argument in arguments:
        path = argument.removeprefix(REQUIREMENTS_FILE)
        if path != argument and os.path.basename(path) == REQUIREMENTS:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write("# Workers have this project and all that it needs.\n")
    if arguments and shlex.quote(sys.executable) != sys.executable:
        _quote_python()


@cache
def _quote_python() -> None:
    """Has the shell take Python's path for one word."""
    from apache_beam.runners.portability import local_job_service

    class Worker(local_job_service.SubprocessSdkWorker):
        def __init__(self, worker_command_line: bytes, *arguments: object) -> None:
            path, quoted = (each.encode() for each in (sys.executable, shlex.quote(sys.executable)))
            if worker_command_line.startswith(path):
                worker_command_line = quoted + worker_command_line.removeprefix(path)
            super().__init__(worker_command_line, *arguments)

    vars(local_job_service)[local_job_service.SubprocessSdkWorker.__name__] = Worker
