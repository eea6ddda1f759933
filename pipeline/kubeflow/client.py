"""Hands a compiled pipeline to Kubeflow Pipelines, by KFP's own client, and follows its run."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kfp.client import Client
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from modules.errors import ConfigError, ServerUnavailable, ServingError
from pipeline.kubeflow.options import KfpOptions

SUCCEEDED = "SUCCEEDED"
_ENDED = (SUCCEEDED, "FAILED", "CANCELED", "SKIPPED")
_SAID = 300  # characters of what a server has to say

OnStage = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Stage:
    """A stage of a run.

    Attributes:
        name: the node's.
        state: as KFP calls it; "" of one that has not begun.
        seconds: it took so far.
    """

    name: str
    state: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        state: as KFP calls it.
        error: why, where KFP says so; else "".
        stages: in the order in which they were compiled.
    """

    state: str
    error: str
    stages: list[Stage]


class Kubeflow:
    """Kubeflow Pipelines somewhere.

    Raises:
        ConfigError: if a file cannot be read.
        ServingError: if it cannot be reached, or refuses; so do all methods.
    """

    def __init__(self, options: KfpOptions) -> None:
        self._options = options
        with self._asked():
            self._client = Client(
                host=options.host,
                existing_token=_secret("token_file", options.token_file),
                cookies=_secret("cookie_file", options.cookie_file),
                ssl_ca_cert=options.ca_file,
                **({"namespace": options.namespace} if options.namespace else {}),
            )

    def submit(self, file: str) -> str:
        """Starts a run of a compiled pipeline; returns its id."""
        with self._asked():
            started = self._client.create_run_from_pipeline_package(
                file,
                experiment_name=self._options.experiment,
                namespace=self._options.namespace,
                pipeline_root=self._options.pipeline_root,
            )
        return started.run_id

    def schedule(self, file: str, cron: str) -> str:
        """Has a compiled pipeline run at such times; returns the schedule's id.

        A time that passes while a run goes on, or while the schedule is off, is left out.
        """
        options = self._options
        with self._asked():
            experiment = self._client.create_experiment(
                options.experiment, namespace=options.namespace
            )
            scheduled = self._client.create_recurring_run(
                experiment.experiment_id,
                f"{options.experiment} {datetime.now():%Y-%m-%d %H-%M-%S}",
                cron_expression=cron,
                pipeline_package_path=file,
                pipeline_root=options.pipeline_root,
                no_catchup=True,
            )
        return scheduled.recurring_run_id

    def link(self, kind: str, identity: str) -> str:
        """Where KFP's page shows a run (`runs`) or a schedule (`recurringrun`)."""
        return f"{(self._options.host or '').rstrip('/')}/#/{kind}/details/{identity}"

    def follow(
        self, run_id: str, stages: Sequence[str], on_stage: OnStage, every: float = 5.0
    ) -> Outcome:
        """Waits for the end of a run.

        Args:
            run_id: of the run.
            stages: names of all its stages.
            on_stage: told, as each stage begins, its name, how many began before, and of how many.
            every: seconds between two questions.
        """
        told: set[str] = set()
        while True:
            with self._asked():
                outcome = _outcome(self._client.get_run(run_id), stages)
            for stage in outcome.stages:
                if stage.state and stage.name not in told:
                    on_stage(stage.name, len(told), len(stages))
                    told.add(stage.name)
            if outcome.state in _ENDED:
                return outcome
            time.sleep(every)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Says in a sentence what goes wrong; what the client itself prints is left out."""
        host = self._options.host or "the cluster"
        try:
            with redirect_stdout(io.StringIO()):
                yield
        except ApiException as error:
            said = " ".join(str(error.body or error.reason or "").split())[:_SAID]
            raise ServingError(
                f"Kubeflow Pipelines at {host} refused with {error.status}: {said}"
            ) from error
        except (HTTPError, TimeoutError) as error:  # the latter after 25 seconds of asking
            said = " ".join(str(error).split())[:_SAID]
            raise ServerUnavailable(
                f"no Kubeflow Pipelines answers at {host} ({said}): "
                "start it, or give its address, such as that of `kubectl port-forward -n kubeflow "
                "svc/ml-pipeline-ui 8080:80`, as --host http://localhost:8080"
            ) from error


def _secret(name: str, file: str | None) -> str | None:
    """What a file holds."""
    if file is None:
        return None
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{{{name}}} cannot be read ({error}): give a file of text", {name: file}
        ) from error


def _outcome(run: Any, stages: Sequence[str]) -> Outcome:
    """Of KFP's own tasks, such as its drivers, nothing is told."""
    told = run.run_details.task_details if run.run_details else None
    tasks = {task.display_name: task for task in told or []}
    found = [_stage(name, tasks.get(name)) for name in stages]
    return Outcome(str(run.state), run.error.message if run.error else "", found)


def _stage(name: str, task: Any) -> Stage:
    if task is None:
        return Stage(name, "", 0.0)
    start, end = task.start_time, task.end_time
    seconds = (end - start).total_seconds() if start and end else 0.0
    return Stage(name, str(task.state or ""), max(seconds, 0.0))
