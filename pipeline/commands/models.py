"""`lyrics models`: which of the pushed versions answer."""

import functools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import cloup
from rich.table import Table

from modules.contract import MODEL_NAME
from modules.errors import ConfigError, ModelNotFound, ServerUnavailable
from modules.versions import LARGEST
from pipeline.commands.client_options import administer, server_options
from pipeline.commands.command_line import all_of, json_option
from pipeline.config import PRESETS
from pipeline.console import machines, terminal
from pipeline.pushed import CONFIG_NAME, Place, Version
from serving.rollout.policy import STABLE, Policy

_VERSION = click.IntRange(1, LARGEST)


_PLACE_OPTIONS = [
    cloup.option(
        "--model-base-path",
        type=click.Path(file_okay=False, path_type=Path),
        default=PRESETS["lyrics"].serving_dir,
        show_default=True,
        help="Directory of the pushed versions.",
    ),
    cloup.option("--model-name", default=MODEL_NAME, show_default=True, help="Name in requests."),
    cloup.option(
        "--model-config-file",
        type=click.Path(dir_okay=False, path_type=Path),
        show_default=f"{CONFIG_NAME} beside the versions",
        help="What the server is started with.",
    ),
]
_CHANGE_OPTIONS = [
    cloup.option(
        "--served-base-path",
        metavar="DIRECTORY",
        default="",
        show_default="as the file has it, or else --model-base-path",
        help="Directory of the versions as the server sees it, where that is another one.",
    ),
    cloup.option(
        "--reload/--no-reload",
        default=True,
        show_default=True,
        help="Tell the running server at once, or change the file for its next start only.",
    ),
]


def _place_options(command: Callable) -> Callable:
    """Options of all the commands; they arrive as the arguments `place` and `server`."""

    @functools.wraps(command)
    def with_place(
        model_base_path: Path, model_name: str, model_config_file: Path | None, **rest: Any
    ) -> None:
        file = model_config_file or model_base_path / CONFIG_NAME
        command(place=Place(model_base_path, model_name, file), **rest)

    return all_of(_PLACE_OPTIONS)(server_options(with_place))


def _change_options(command: Callable) -> Callable:
    """Options of the commands that change something."""
    return _place_options(all_of(_CHANGE_OPTIONS)(command))


@cloup.group()
def models() -> None:
    """Choose which of the pushed versions answer.

    At first the newest does, as soon as it is pushed. Once a version is promoted, later ones wait
    for their own promotion.

    A server that runs is told at once. One that starts is given the file that this is written to:
    `lyrics serve` finds it beside the versions; elsewhere it is named with --model-config-file and
    --allow-version-labels-for-unavailable-models, as for tensorflow_model_server. Without it, the
    newest answers again.
    """


@models.command(name="list")
@_place_options
@json_option
def list_(place: Place, server: dict[str, Any], as_json: bool) -> None:
    """List the pushed versions, their labels and how they stand on the server."""
    from serving.rollout.config_file import ConfigFile

    policy = ConfigFile(place.model_config_file).policy(place.model_name)
    states = _states(place, server)
    versions = [
        Version(
            version,
            place.pushed(version),
            sorted(label for label, labelled in policy.labels.items() if labelled == version),
            states if states is None else states.get(version, ""),
        )
        for version in place.versions()
    ]
    if as_json:
        machines.print_json(versions)
    else:
        _print_versions(versions)
        if states is None:
            click.echo(f"No server answers at {server['target']}.")


@models.command()
@click.argument("version", type=_VERSION)
@_change_options
def promote(version: int, place: Place, **options: Any) -> None:
    """Make VERSION the one that answers, with the label `stable`.

    The one before goes on answering until the server has loaded it; if it cannot, nothing changes.
    """
    _change(place, lambda policy: policy.promote(version), **options)


@models.command()
@_change_options
def rollback(place: Place, **options: Any) -> None:
    """Promote the version that was promoted before this one."""
    _change(place, lambda policy: policy.roll_back(), **options)


@models.command()
@click.argument("label")
@click.argument("version", type=_VERSION)
@_change_options
def label(label: str, version: int, place: Place, **options: Any) -> None:
    """Serve VERSION too, to clients that ask for LABEL, such as `canary`."""
    _change(place, lambda policy: policy.label(label, version), **options)


def _change(
    place: Place,
    change: Callable[[Policy], Policy],
    server: dict[str, Any],
    reload: bool,
    served_base_path: str,
) -> None:
    from serving.protocol.arguments import as_text
    from serving.rollout.config_file import ConfigFile
    from serving.rollout.transition import Rollout

    file = ConfigFile(place.model_config_file)
    policy = change(file.policy(place.model_name))
    for version in policy.versions:
        place.check(version)
    base_path = (
        served_base_path or file.base_path(place.model_name) or str(place.model_base_path.resolve())
    )
    for name, text in (("the base path", base_path), ("the model's name", place.model_name)):
        as_text(name, text, ConfigError)
    for label in policy.labels:
        as_text("the label", label, ConfigError)
    rollout = Rollout(file, place.model_name, base_path, server["timeout"])
    if reload:
        with closing(administer(**server, model_name=place.model_name)) as admin:
            rollout.carry_out(policy, admin)
    else:
        rollout.write(policy)
    _print_policy(policy, place.model_config_file)


def _states(place: Place, server: dict[str, Any]) -> dict[int, str] | None:
    """Of the versions that a server knows; None if there is none."""
    with closing(administer(**server, model_name=place.model_name)) as admin:
        try:
            return {status.version: status.state for status in admin.status()}
        except ServerUnavailable:
            return None
        except ModelNotFound:  # it serves others
            return {}


def _print_versions(versions: list[Version]) -> None:
    table = Table("version", "pushed", "labels", "on the server", box=None, pad_edge=False)
    for version in versions:
        labels = ", ".join(version.labels)
        table.add_row(str(version.version), version.pushed, labels, version.state or "")
    terminal.stdout.print(table)


def _print_policy(policy: Policy, file: Path) -> None:
    for label, version in sorted(policy.labels.items(), reverse=True):
        click.echo(f"{label:<8}{version}")
    if policy.versions[-1] != policy.labels[STABLE]:
        click.echo(
            f"Who asks for no label is answered by {policy.versions[-1]}, the largest that is "
            f"served: ask for `{STABLE}`."
        )
    click.echo(f"Written to {file}")
