"""`lyrics serve`: TF Serving, or the local server in its place."""

from pathlib import Path
from typing import Any

import cloup

from modules.checks import options_of
from pipeline.commands.command_line import all_of, flags, verbose_option
from pipeline.config import PRESETS
from pipeline.console import messages, terminal
from pipeline.pushed import CONFIG_NAME, Place
from serving.server.flags import ServerOptions
from serving.server.other_flags import OTHER_FLAGS

# Each with a value, or without; what becomes of them is not for the help page.
_OTHERS = [
    cloup.option(f"--{flag.name.replace('_', '-')}", is_flag=False, flag_value="true", hidden=True)
    for flag in OTHER_FLAGS
]
# The flags of tensorflow_model_server are spelled with underscores: both spellings will do.
_AS_TF_SERVING = {"token_normalize_func": lambda name: name.replace("_", "-")}


@cloup.command(context_settings=_AS_TF_SERVING)
@flags(
    options_of(ServerOptions), {"model_base_path": PRESETS["lyrics"].serving_dir}, switches=False
)
@all_of(_OTHERS)
@verbose_option
def serve(verbose: bool, **options: Any) -> None:
    """Serve the newest pushed version over gRPC, and REST, until stopped.

    Where `lyrics models` has promoted another, it is that one. Starts tensorflow_model_server
    where it is on the PATH, else a local server that speaks the same protocol.

    docs/serving-flags.md says of all flags of tensorflow_model_server which the local
    server takes, ignores or refuses.
    """
    messages.set_up_logging(verbose, "serving")
    from serving.server import launch

    others = {flag.name: options.pop(flag.name) for flag in OTHER_FLAGS}
    base_path = Path(options["model_base_path"])
    place = Place(base_path, options["model_name"], base_path / CONFIG_NAME)
    if not options["model_config_file"] and place.is_promoted():
        said = terminal.literal(f"serving what was promoted: {place.model_config_file}")
        terminal.stderr.print(said, soft_wrap=True)
        options["model_config_file"] = str(place.model_config_file)
        options["allow_version_labels_for_unavailable_models"] = True
    if options["model_config_file"]:
        options["model_base_path"] = ""
    given = {name: value for name, value in others.items() if value is not None}
    launch.serve(ServerOptions(**options), given)
