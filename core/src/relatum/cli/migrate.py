"""``relatum migrate``: the plan, and running it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "migrate",
        help="show which migrations have not run, and run them",
        description="Show which migrations of core and of the installed plugins have not run. "
        "Nothing is changed without --apply.",
        epilog="examples:\n  relatum migrate\n  relatum migrate --apply",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--apply", action="store_true", help="run them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; with ``--apply`` run it."""
    from relatum.cli.house import in_house
    from relatum.cli.printing import print_json, print_rows

    async def work(house: House) -> int:
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

    return in_house(work, migrated=False)
