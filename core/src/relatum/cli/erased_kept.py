"""``relatum erased-kept``: what the law keeps of erased customers, for those entitled to it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.customers.erasing.kept import KeptRows

MOST = 1000


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "erased-kept",
        help="what the law keeps of erased customers: list it, read one row",
        description="What the law obliges to keep of an erased customer is set apart and "
        "encrypted. Here it is listed, and read when an auditor or an authority may ask for it; "
        "each reading is an entry of the audit trail. What need not be kept any longer is deleted "
        "every night.",
        epilog="examples:\n  relatum erased-kept list\n  relatum erased-kept list --erasure 0193…\n"
        '  relatum erased-kept show 0193… --why "tax audit of 2026, decision 12"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="whose rows, by which law, until when")
    listing.add_argument("--erasure", default="", metavar="ID", help="only those of this receipt")
    show = actions.add_parser("show", help="what one row says; that it was read is kept")
    show.add_argument("id", help="the id of the row, as list prints it")
    show.add_argument(
        "--why", required=True, metavar="TEXT", help="who asks and by which right; audited"
    )
    for action in (listing, show):
        action.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _act(house, arguments))


async def _act(house: House, arguments: argparse.Namespace) -> int:
    from relatum.customers.erasing.kept import KeptRows

    kept = KeptRows(house.db, house.events, house.secrets)
    act = _list if arguments.action == "list" else _show
    return await act(kept, arguments)


async def _list(kept: KeptRows, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json
    from relatum.values.ids import parse_id

    named = arguments.erasure
    erasure = parse_id(named, "id of a receipt", where="--erasure") if named else None
    rows = await kept.listed(erasure, MOST)
    if arguments.json:
        print_json({"items": rows})
    else:
        for each in rows:
            line = f"{each.id}  until {each.until}  {each.table}  erasure {each.erasure}"
            sys.stdout.write(f"{line}  {each.law}\n")
    if len(rows) == MOST:
        sys.stderr.write(f"note: these are the first {MOST:,}; name an erasure to see all of it\n")
    return 0


async def _show(kept: KeptRows, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_tables
    from relatum.values.ids import parse_id

    id = parse_id(arguments.id, "id of a row that is kept", where="id")
    opened = await kept.open(id, by="system", why=arguments.why)
    if arguments.json:
        print_json(opened)
    else:
        print_tables(f"{opened.row.table}, {opened.row.law}", opened)
    return 0
