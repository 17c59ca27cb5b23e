"""``relatum backup``: one moment of everything in one file, while the server runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "backup",
        help="write the database and the files that belong to it into one file",
        description="Write one moment of the database, and the files of the data folder, into one "
        "tar file with a manifest. The server may run and write meanwhile. The file of keys is not "
        "in it: keep a copy of it in another place.",
        epilog="examples:\n  relatum backup\n  relatum backup /mnt/backups --compress --keep 14\n"
        "  relatum backup before-the-upgrade.tar",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "to",
        nargs="?",
        type=Path,
        metavar="FILE|FOLDER",
        help="a new file whose name ends in .tar, or a folder in which it gets a name "
        "(default: backup.folder of the settings)",
    )
    parser.add_argument("--compress", action="store_true", help="smaller, and slower")
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="afterwards delete all but the N newest backups of the folder",
    )
    parser.add_argument(
        "--form",
        choices=("sqlite", "pg_dump"),
        help="how a PostgreSQL database is written: as a SQLite file, which every installation "
        "reads, or by pg_dump (default: pg_dump when it is there and fits the server)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the backup."""
    from relatum.app.backing_up import Order, back_up
    from relatum.cli.move import teller
    from relatum.cli.printing import print_json
    from relatum.config.load import load_settings

    order = Order(
        to=arguments.to, form=arguments.form, compress=arguments.compress, keep=arguments.keep
    )
    saved = asyncio.run(back_up(load_settings(), order, teller()))
    if arguments.json:
        print_json(saved)
        return 0
    sys.stdout.write(
        f"{saved.file}\n{saved.rows:,} rows, {saved.size / 2**20:,.1f} MiB, in "
        f"{saved.seconds:.1f} s; removed {len(saved.removed)} older.\n"
        f"It needs the keys {', '.join(saved.keys) or '(none yet)'}, which are not in it: keep a "
        "copy of keys.toml apart from it.\n"
    )
    return 0
