"""``relatum drill``: whether the newest backup would bring everything back, and in what time."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "drill",
        help="restore the newest backup into a temporary place and look whether it is sound",
        description="Restore a backup into a temporary place, compare every table with the "
        "manifest, check the file, the references and the seals, start the house, and remove it "
        "all again. No job runs and no message goes out. The exit code is 1 when something is "
        "wrong.",
        epilog="examples:\n  relatum drill\n  relatum drill /mnt/backups\n"
        "  relatum drill relatum-20261122T023000Z.tar",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "backup",
        nargs="?",
        type=Path,
        metavar="FILE|FOLDER",
        help="a backup, or a folder whose newest one is taken (default: backup.folder of the "
        "settings)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the drill."""
    from relatum.app.backing_up import newest_backup
    from relatum.app.restoring import drill
    from relatum.cli.move import teller
    from relatum.cli.printing import print_json
    from relatum.config.load import load_settings
    from relatum.moving.backups import backup_folder

    settings = load_settings()
    place = arguments.backup or backup_folder(settings)
    file = newest_backup(place) if place.is_dir() else place
    done = asyncio.run(drill(settings, file, show=teller()))
    if arguments.json:
        print_json(done)
    else:
        for each in done.found:
            sys.stdout.write(f"{'ok' if each.ok else 'error':<7}{each.check:<12}{each.message}\n")
        sys.stdout.write(
            f"{done.file}: restored and started in {done.seconds / 60:.1f} min; it is "
            f"{done.age_minutes:,.0f} min old, and what was written since is not in it.\n"
        )
    return 0 if done.ok else 1
