"""``relatum subject-export``: everything that is held about one person, as one archive."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "subject-export",
        help="write everything that is held about one customer into an archive",
        description="Write a zip file with everything that any plugin holds about a customer: "
        "JSON, CSV, a page to read, and a manifest with counts, checksums and what was left out.",
        epilog="example:\n  relatum subject-export 0193… --to data.zip --language en",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("customer", help="the id of the customer")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="a new file")
    parser.add_argument(
        "--language", choices=("vi", "en"), default="vi", help="of the page (default: vi)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _export(house, arguments))


async def _export(house: House, arguments: argparse.Namespace) -> int:
    from relatum.access.viewer import SYSTEM
    from relatum.cli.printing import print_json, print_rows
    from relatum.values.ids import parse_id

    customer = parse_id(arguments.customer, "customer", where="customer")
    subject = await house.subjects.write_to(SYSTEM, customer, arguments.to, arguments.language)
    counted = [[each.plugin, each.name, len(each.rows)] for each in subject.tables]
    if arguments.json:
        print_json({"file": str(arguments.to), "rows": subject.rows, "tables": counted})
    else:
        print_rows(["plugin", "table", "rows"], counted)
    return 0
