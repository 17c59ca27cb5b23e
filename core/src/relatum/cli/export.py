"""``relatum export``: everything as files that an import reads back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "export",
        help="write everything into files that an import reads back",
        description="Write one file for each kind of data into an empty folder, and a plan.toml "
        "that brings it all back into another Relatum.",
        epilog="examples:\n  relatum export ./backup\n"
        "  relatum export ./customers --target core.customers --format csv\n"
        "  relatum import --plan ./backup/plan.toml ./backup --apply",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="an empty folder, or the name of a new one")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="ID",
        help="only this kind of data (core.customers …); may be given several times",
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "csv", "xlsx"),
        default="jsonl",
        help="JSON lines keep everything as it is; CSV and XLSX are for spreadsheets "
        "(default: jsonl)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _export(house, arguments))


async def _export(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_rows
    from relatum.importing.export import export_all

    exported = await export_all(
        house, arguments.folder, targets=arguments.target, form=arguments.format
    )
    if arguments.json:
        print_json(exported)
    else:
        print_rows(
            ["file", "holds", "records"],
            [[file.path, file.target, file.records] for file in exported.files],
        )
    return 0
