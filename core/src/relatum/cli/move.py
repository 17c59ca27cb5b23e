"""``relatum move``: the whole database from SQLite to PostgreSQL, or back."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from relatum.moving.copying import Moved, Progress

#: Seconds between two lines about the same stage.
PAUSE = 2.0


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "move",
        help="move the whole database from SQLite to PostgreSQL, or back",
        description="Copy every table of core and of all plugins (also of those that are off or "
        "not installed any more) into an empty database of the other kind, and compare both by "
        "count and checksum. The source is only read and stays as it is. Run again after a stop, "
        "it goes on where it was.",
        epilog="examples:\n  relatum move --to postgresql://crm@db.example.com/crm\n"
        "  relatum move --to sqlite:///relatum.sqlite3\n\n"
        "A password is best kept out of the command line: in ~/.pgpass, or in PGPASSWORD.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--to", required=True, metavar="URL", help="postgresql://… or sqlite:///FILE"
    )
    parser.add_argument(
        "--while-running",
        action="store_true",
        help="do not refuse while a server or worker has the database open: take this moment, "
        "leave what they write later",
    )
    parser.add_argument(
        "--anew", action="store_true", help="throw away a target that is half filled, and begin"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Move, and say what to write into the settings."""
    from relatum.app.relocation import move
    from relatum.config.load import load_settings
    from relatum.config.settings import redact_url

    settings = load_settings()
    started = time.monotonic()
    moved = asyncio.run(
        move(
            settings,
            arguments.to,
            while_running=arguments.while_running,
            anew=arguments.anew,
            show=teller(),
        )
    )
    _print(moved, redact_url(arguments.to), time.monotonic() - started, as_json=arguments.json)
    if moved.left_behind and not arguments.while_running:
        sys.stderr.write(
            "Somebody has written to the old database meanwhile, and that stayed behind: stop the "
            "server and the workers, and move again into an empty database.\n"
        )
        return 1
    return 0


def teller() -> Callable[[Progress], None]:
    """Lines about a move on standard error: each stage, and within it every two seconds."""
    told: dict[str, float] = {}

    def tell(progress: Progress) -> None:
        moment = time.monotonic()
        if moment - told.get(progress.stage, -PAUSE) < PAUSE:
            return
        told[progress.stage] = moment
        line = progress.stage
        if progress.of:
            line += f" {progress.rows:,} of {progress.of:,} ({progress.rows / progress.of:.0%})"
        sys.stderr.write(f"{line} {progress.table}".rstrip() + "\n")
        sys.stderr.flush()

    return tell


def _print(moved: Moved, to: str, seconds: float, *, as_json: bool) -> None:
    from relatum.cli.printing import print_json

    if as_json:
        print_json(moved)
        return
    for each in moved.tables:
        if each.rows:
            sums = "".join(f", {column} {number:,}" for column, number in each.sums.items())
            sys.stdout.write(f"{each.name:<40}{each.rows:>12,}  {each.digest}{sums}\n")
    sys.stdout.write(
        f"Moved {moved.rows:,} rows of {len(moved.tables)} tables in {seconds / 60:.1f} min; every "
        "table is equal on both sides.\n"
        "Now write this into relatum.toml (or RELATUM_DATABASE), and start the server:\n\n"
        f'    database = "{to}"\n\n'
        "keys.toml and the files of the data folder stay where they are. Keep the old database "
        "until the new one has served for a while.\n"
    )
