"""``relatum demo``: a company to look around in."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="fill an empty database with a demo company",
        description="Make a Vietnamese company with people, organisations, a year and a half of "
        "interactions, and what the switched-on plugins add. Only into an empty database.",
        epilog="examples:\n  relatum demo\n  relatum demo --if-empty",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--if-empty", action="store_true", help="do nothing, quietly, when there is data already"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Seed the demo, or leave a database with data alone."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _seed(house, if_empty=arguments.if_empty))


async def _seed(house: House, *, if_empty: bool) -> int:
    from relatum.app.demo import is_empty, seed_demo
    from relatum.values.problems import Conflict

    if not await is_empty(house):
        if if_empty:
            return 0
        raise Conflict(
            "expected an empty database, got one with data; the demo would mix with it. "
            "Point RELATUM_HOME at another folder"
        )
    customers, interactions = await seed_demo(house)
    print(f"Demo company: {customers} customers, {interactions:,} interactions.")  # noqa: T201
    return 0
