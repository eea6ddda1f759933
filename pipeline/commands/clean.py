"""`lyrics clean`: frees what no kept run needs."""

import cloup
from rich.table import Table

from modules.checks import options_of
from pipeline.commands.command_line import POSITIVE, flags, json_option
from pipeline.config import PRESETS
from pipeline.console import machines, messages, progress, terminal
from pipeline.root import identity, integrity
from pipeline.root.failures import explained
from pipeline.root.lock import held
from pipeline.root.server import MetadataOptions, logged_in


@cloup.command()
@cloup.option(
    "--root",
    metavar="DIR",
    default=PRESETS["lyrics"].root,
    show_default=True,
    help="Directory of everything that the pipeline wrote.",
)
@cloup.option(
    "--keep", type=POSITIVE, default=1, show_default=True, help="How many of the newest runs."
)
@flags(options_of(MetadataOptions), {})
@cloup.option("--dry-run", is_flag=True, help="Show what would be freed, and free nothing.")
@json_option
def clean(root: str, keep: int, metadata: str | None, dry_run: bool, as_json: bool) -> None:
    """Free what none of the newest runs needs.

    Versions stay that such a run pushed, that models.config beside them names, and the newest. A
    server with a config file elsewhere is not known of: look with --dry-run first.
    """
    config = PRESETS["lyrics"].override({"root": root}).here()
    server = MetadataOptions(metadata).server()
    messages.set_up_logging(verbose=False)
    identity.check_known(config.root)
    identity.check(config.root, server)
    with held(config.root), explained(config.root), logged_in(server):
        with progress.working("reading the metadata"):
            from pipeline.root import debris, waste

        integrity.check(config.root)
        found = waste.find(config.root, config.serving_dir, keep, server)
        megabytes = {what: sum(map(debris.size, paths)) / 2**20 for what, paths in found.items()}
        if not dry_run:
            for path in (path for paths in found.values() for path in paths):
                debris.remove(path)
    if as_json:
        machines.print_json({"freed": not dry_run, "megabytes": megabytes, "paths": found})
    else:
        _print(found, megabytes, dry_run)


def _print(found: dict[str, list[str]], megabytes: dict[str, float], dry_run: bool) -> None:
    table = Table("what no kept run needs", box=None, pad_edge=False)
    for title in ("places", "MB"):
        table.add_column(title, justify="right")
    for what, paths in found.items():
        table.add_row(what, f"{len(paths):,}", f"{megabytes[what]:,.1f}")
    terminal.stdout.print(table)
    for path in found["versions"]:
        terminal.print_line("Version     ", terminal.literal(path))
    verb = "Would free" if dry_run else "Freed"
    terminal.print_line(f"{verb} {sum(megabytes.values()):,.1f} MB.")
