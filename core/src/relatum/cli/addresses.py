"""``relatum addresses``: loading administrative units, and trying how an address is read."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.addresses.service import Loaded
    from relatum.app.house import House
    from relatum.values.address import AddressReading


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "addresses",
        help="administrative units of Viet Nam: load them, read an address by them",
        description="Units come from public tables: a CSV of the former wards, a JSON of the "
        "present provinces, a CSV of which ward went into which. Loading replaces the units of the "
        "same time; it may be done as often as one likes.",
        epilog='examples:\n  relatum addresses load units/\n  relatum addresses read "P. Láng '
        'Thượng, Q. Đống Đa, HN"\n  relatum addresses read "Phường Láng, Hà Nội" --json',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    load = actions.add_parser("load", help="take the units of a folder")
    load.add_argument("folder", type=Path)
    read = actions.add_parser("read", help="show what an address is read as")
    read.add_argument("text")
    read.add_argument(
        "--as-of", type=dt.date.fromisoformat, metavar="DATE", help="when it was right"
    )
    for action in (load, read):
        action.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    return in_house(lambda house: _act(house, arguments))


async def _act(house: House, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json

    if arguments.action == "load":
        loaded = await house.addresses.load(arguments.folder, by="system:command-line")
        if arguments.json:
            print_json(loaded)
        else:
            _print_loaded(loaded)
        return 0
    [reading] = await house.addresses.read([arguments.text], as_of=arguments.as_of)
    if arguments.json:
        print_json({"text": reading.text, "reading": reading})
    else:
        _print_reading(reading)
    return 0


def _print_loaded(loaded: Loaded) -> None:
    _say(
        f"{loaded.units} units ({loaded.former_provinces} former and {loaded.provinces} present "
        f"provinces), {loaded.changes} changes.\n{loaded.split} former wards went into several "
        f"present ones; of {loaded.unknown} the tables do not say where they went."
    )
    if loaded.notes:
        _say(f"{len(loaded.notes)} rows could not be used:")
    for note in loaded.notes:
        _say(f"  {note}")


def _print_reading(reading: AddressReading) -> None:
    _say(f"{reading.text}\nread: {reading.certainty}; today: {reading.present.outcome}")
    for answer in reading.present.answers:
        note = f" ({answer.note})" if answer.note else ""
        _say(f"  {answer.unit.full_name} {answer.unit.code}: {answer.share}{note}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
