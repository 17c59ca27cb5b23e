"""``relatum migrate``: the plan, running it, and going back."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.app.versions import WayBack


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "migrate",
        help="show which migrations have not run, run them, or go back",
        description="Show which migrations of core and of the installed plugins have not run. "
        "Nothing is changed without --apply. Before a database with data in it is changed, a "
        "backup is made.",
        epilog="examples:\n  relatum migrate\n  relatum migrate --apply\n"
        "  relatum migrate --back-to 2026-11-22T08:12           # what that would undo and lose\n"
        "  relatum migrate --back-to 2026-11-22T08:12 --apply",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--apply", action="store_true", help="run them")
    parser.add_argument(
        "--back-to",
        metavar="ID|BACKUP",
        help="undo every migration after this one (an id or the beginning of one), or all that a "
        "backup does not have; for going back to an older version",
    )
    parser.add_argument(
        "--no-backup", action="store_true", help="with --apply: make no backup before"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; with ``--apply`` run it."""
    if arguments.back_to:
        return asyncio.run(_go_back(arguments))
    from relatum.cli.house import in_house

    if arguments.apply and not arguments.no_backup:
        asyncio.run(_back_up_before())
    return in_house(lambda house: _migrate(house, arguments), migrated=False)


async def _migrate(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_rows

    steps = await (house.migrate_apply() if arguments.apply else house.migrate_plan())
    rows = [[step.app, step.migration, step.description] for step in steps]
    if arguments.json:
        columns = ("app", "migration", "description")
        plan = [dict(zip(columns, row, strict=True)) for row in rows]
        print_json({"applied": arguments.apply, "steps": plan})
    elif not steps:
        print("The database is up to date.")  # noqa: T201
    else:
        done = "Ran" if arguments.apply else "To run (with --apply)"
        print(f"{done}: {len(steps)} migrations on {house.settings.redacted_database()}")  # noqa: T201
        print_rows(["of", "migration", "what"], rows)
    return 0


async def _back_up_before() -> None:
    """Where migrations wait and there is something to lose."""
    from relatum.app.house import House
    from relatum.config.load import load_settings

    settings = load_settings()
    path = settings.sqlite_path
    if path is not None and not path.exists():
        return
    async with await House.open(settings) as house:
        pending = await house.migrate_plan()
    if not pending:
        return
    from relatum.app.versions import back_up_before

    saved = await back_up_before(settings)
    if saved is not None:
        sys.stderr.write(f"The backup from before is {saved.file}\n")


async def _go_back(arguments: argparse.Namespace) -> int:
    from relatum.app.versions import go_back, way_back
    from relatum.cli.printing import print_json
    from relatum.config.load import load_settings

    settings = load_settings()
    if arguments.apply:
        way = await go_back(settings, arguments.back_to)
    else:
        way = await way_back(settings, arguments.back_to)
    if arguments.json:
        steps = [f"{step.app} {step.migration}" for step in way.steps]
        print_json({"undo": steps, "losses": way.losses, "backup": way.backup})
    else:
        _tell(way)
    return 0


def _tell(way: WayBack) -> None:
    lines = []
    if not way.steps:
        lines.append("There is nothing to undo.")
    elif way.backup is None:
        lines.append(f"To undo (with --apply): {len(way.steps)} migrations, last first:")
    else:
        lines.append(f"Undone: {len(way.steps)} migrations; the backup is {way.backup.file}")
    lines += [f"  {step.app:<20} {step.migration}  {step.description}" for step in way.steps]
    if way.losses:
        lines.append("The older schema has no place for this; it is in the backup alone:")
    for loss in way.losses:
        what = f"column {loss.table}.{loss.column}" if loss.column else f"table {loss.table}"
        lines.append(f"  {what}: {loss.rows:,} rows")
    sys.stdout.write("\n".join(lines) + "\n")
